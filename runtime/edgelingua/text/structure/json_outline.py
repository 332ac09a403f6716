"""JSON by element: what of it may go so that it still parses."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from edgelingua.text.ranges import merged
from edgelingua.text.structure.atoms import atoms
from edgelingua.text.structure.outline import LONGEST_RECORD, Sketch

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*"|[{}\[\],:]|[^\s"{}\[\],:]++', re.DOTALL)
_ESCAPES = re.compile(r"(?:\\u[dD][89abAB][0-9a-fA-F]{2})?\\(?:u[0-9a-fA-F]{4}|[^u])")
_NAMES = re.compile(
    r'"(?:_?id|uuid|guid|key|name|slug|title|path|file|ts|time|timestamp|date|created_at)"\s*:',
    re.IGNORECASE,
)
"""Keys of what says which object this is."""


@dataclass
class _Item:
    """A member of an object or an element of an array; ``inside``: of a container, its items."""

    start: int
    value: int
    end: int = 0
    inside: list[_Item] | None = None


@dataclass
class _Open:
    items: list[_Item] = field(default_factory=list)
    item: _Item | None = None


def outline_json(sketch: Sketch, text: str, start: int, end: int, *, row: bool = False) -> None:
    r"""Add the JSON value from ``start`` to ``end`` to a sketch.

    Members and elements of at most `LONGEST_RECORD` characters are records; of longer ones theirs
    are, and so on, with brackets, keys and commas as frames. Long strings may be cut inside, their
    escape sequences (``\n``, surrogate pairs) not. Of a long object in an array, what names it (an
    id, a name, a time) stays with anything else of it.

    Parameters
    ----------
    row
        Whether the value is one of many, as in JSON lines.
    """
    waiting = [(_parsed(text, start, end), row)]
    while waiting:
        item, is_row = waiting.pop()
        if item.end - item.start <= LONGEST_RECORD:
            sketch.record(item.start, item.end)
        elif item.inside:
            _container(sketch, text, item, is_row)
            is_array = text[item.value] == "["
            named = _name(text, item) if is_row else None
            for index, inner in enumerate(item.inside):
                if index != named:
                    waiting.append((inner, is_array))
        elif text[item.value] == '"' and not _holds_json(text[item.value : item.end]):
            _string(sketch, text, item)
        else:
            sketch.record(item.start, item.end)


def _container(sketch: Sketch, text: str, item: _Item, is_row: bool) -> None:
    items = item.inside or []
    inner = (item.value + 1, items[-1].end)
    sketch.frame(item.start, item.value + 1, inner)
    named = _name(text, item) if is_row else None
    before = item.value + 1
    for index, each in enumerate(items):
        own = (each.start, each.end)
        if index == named:
            # It stays with anything of its object; the comma before it, if something is there.
            sketch.record(*own)
            sketch.frame(*own, inner)
            sketch.frame(before, each.start, inner, (inner[0], before) if index else None)
        elif index == 0 or (named is not None and index > named):
            sketch.frame(before, each.start, own)
        else:
            sketch.frame(before, each.start, own, (inner[0], before))
        before = each.end
    sketch.frame(before, item.end, inner)


def _name(text: str, item: _Item) -> int | None:
    """Number of the first short member that says which object this is."""
    for index, each in enumerate(item.inside or []):
        if each.end - each.start <= LONGEST_RECORD // 2 and _NAMES.match(text, each.start):
            return index
    return None


def _string(sketch: Sketch, text: str, item: _Item) -> None:
    a, b = item.value + 1, item.end - 1
    sketch.frame(item.start, a, (a, b))
    sketch.loose(a, b)
    sketch.frame(b, item.end, (a, b))
    escapes = [match.span() for match in _ESCAPES.finditer(text, a, b)]
    # A line break is no part of a path; a backslash, which is written as two, can be.
    words = _ESCAPES.sub(lambda m: m[0] if m[0] == r"\\" else "\n" * len(m[0]), text[a:b])
    sketch.whole += merged([*escapes, *((a + c, a + d) for c, d in atoms(words).tolist())])


def _parsed(text: str, start: int, end: int) -> _Item:
    """Return what a value that parses is made of."""
    root = _Item(start, start)
    levels = [_Open(item=root)]
    key = -1
    for match in _TOKEN.finditer(text, start, end):
        token, at = match.group(), match.start()
        if token in "}]":
            levels.pop()
        elif token == ":":
            continue
        elif token == ",":
            key = -1
            continue
        else:
            is_key = token[0] == '"' and key < 0 and _is_key(text, match.end(), end)
            if is_key:
                key = at
                continue
            top = levels[-1]
            item = top.item if len(levels) == 1 and top.item else _Item(at, at)
            if len(levels) > 1:
                item.start = key if key >= 0 else at
                top.items.append(item)
                top.item = item
            key = -1
            if token in "{[":
                opened = _Open()
                item.inside = opened.items
                levels.append(opened)
                continue
        done = levels[-1].item
        if done is not None:
            done.end = match.end()
    return root


def _is_key(text: str, at: int, end: int) -> bool:
    while at < end and text[at] in " \t\r\n":
        at += 1
    return at < end and text[at] == ":"


def _holds_json(string: str) -> bool:
    if string[1:].lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(json.loads(string), parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True
