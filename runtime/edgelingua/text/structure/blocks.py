"""Parts of a text that have a structure: where they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from edgelingua.text.ranges import Range, outermost, outside
from edgelingua.text.structure import code
from edgelingua.text.structure.json_text import find_json
from edgelingua.text.structure.lines import find_lines
from edgelingua.text.structure.markup import find_markup
from edgelingua.text.structure.tables import find_tables
from edgelingua.text.structure.tool_calls import find_calls

Kind = Literal[
    "fence", "json", "table", "tool_call", "markup",
    "diff", "log", "settings", "code", "sql", "output",
]  # fmt: skip
"""What a block is: fenced code, JSON, a table (Markdown or separated values), a call of a tool,
HTML or XML, or one of the kinds of text made of lines."""

_LEAST_INLINE = 16
"""Characters; less JSON inside of a line, like ``["sic"]``, is no more than a word of it."""


@dataclass(frozen=True)
class Block:
    """The characters from ``start`` to ``end`` of a text, which are more than prose."""

    kind: Kind
    start: int
    end: int


def find(text: str) -> list[Block]:
    """Find the blocks of a text: ascending, not overlapping.

    Fences go first (what is inside belongs to them), then the tags of calls, markup, JSON that has
    its lines for itself, tables, text made of lines, and JSON inside of lines. Pieces of JSON with
    nothing but white space between them, as in JSON Lines, are one block. Time grows with the
    length of the text, whatever is in it.
    """
    fences = [Block("fence", fence.start, fence.end) for fence in code.find_fences(text)]
    found = _first(fences, [Block("tool_call", start, end) for start, end in find_calls(text)])
    found = _first(
        found,
        [
            Block("markup", *markup)
            for start, end in _gaps(text, found)
            if (markup := find_markup(text, start, end))
        ],
    )
    found = _first(
        found,
        [
            Block("code", start, end)
            for start, end in _gaps(text, found)
            if text.count("\n", start, end) > 1 and code.is_python(text[start:end])
        ],
    )
    values = list(_json_blocks(text, found))
    found = _first(found, [block for block in values if _alone(text, block)])
    tables = [
        Block("table", *table)
        for start, end in _gaps(text, found)
        for table in find_tables(text, start, end)
    ]
    found = _first(found, tables)
    runs = [
        Block(kind, *run)
        for start, end in _gaps(text, found)
        for kind, run in find_lines(text, start, end)
    ]
    inline = [block for block in values if block.end - block.start >= _LEAST_INLINE]
    return _first(_first(found, runs), inline)


def _alone(text: str, block: Block) -> bool:
    """Whether a block has its lines for itself."""
    before = text[text.rfind("\n", 0, block.start) + 1 : block.start]
    stop = text.find("\n", block.end)
    return not before.strip() and not text[block.end : stop if stop >= 0 else len(text)].strip()


def _json_blocks(text: str, found: list[Block]) -> Iterator[Block]:
    last: Block | None = None
    for start, end in _gaps(text, found):
        for value in find_json(text, start, end):
            kind: Kind = "tool_call" if value.calls else "json"
            if last and last.kind == kind and not text[last.end : value.start].strip():
                last = Block(kind, last.start, value.end)
                continue
            if last:
                yield last
            last = Block(kind, value.start, value.end)
    if last:
        yield last


def _gaps(text: str, found: list[Block]) -> list[Range]:
    return outside([(block.start, block.end) for block in found], 0, len(text))


def _first(found: list[Block], more: Iterable[Block]) -> list[Block]:
    """Add the blocks of ``more`` that do not overlap one of ``found``."""
    taken = [(block.start, block.end) for block in found]
    added = []
    at = 0
    for block in sorted(more, key=lambda block: block.start):
        while at < len(taken) and taken[at][1] <= block.start:
            at += 1
        if at == len(taken) or block.end <= taken[at][0]:
            added.append(block)
    both = {(block.start, block.end): block for block in [*added, *found]}
    return [both[span] for span in outermost(both)]
