"""Parts of a text that have a structure: where they are, and what keeps them usable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from edgelingua.text.ranges import Parts, Range, outermost, outside, with_break
from edgelingua.text.structure import code
from edgelingua.text.structure.json_text import by_value, find_json
from edgelingua.text.structure.tables import by_row, find_tables
from edgelingua.text.structure.tool_calls import find_calls

Kind = Literal["code", "json", "table", "tool_call"]
"""What a block is: fenced code, JSON, a table (Markdown or separated values), a call of a tool."""

_JSON = {"json", "jsonl", "ndjson", "geojson"}
_SEPARATED = {"csv", "tsv"}


@dataclass(frozen=True)
class Block:
    """The characters from ``start`` to ``end`` of a text, which are more than prose."""

    kind: Kind
    start: int
    end: int


def find(text: str) -> list[Block]:
    """Find the blocks of a text: ascending, not overlapping.

    Fences go first (what is inside belongs to them), then the tags of calls, JSON and tables.
    Pieces of JSON with nothing but white space between them, as in JSON Lines, are one block. Time
    grows with the length of the text, whatever is in it.
    """
    fences = [Block("code", fence.start, fence.end) for fence in code.find_fences(text)]
    calls = [Block("tool_call", start, end) for start, end in find_calls(text)]
    found = _first(fences, calls)
    found = _first(found, _json_blocks(text, found))
    tables = [
        Block("table", *table)
        for start, end in _gaps(text, found)
        for table in find_tables(text, start, end)
    ]
    return _first(found, tables)


def pin(text: str, block: Block) -> list[Range]:
    """Return what to pin for a block to survive whole: it, and the line break before it."""
    return [with_break(text, block.start, block.end)]


def by_structure(text: str, block: Block) -> Parts:
    """Return what to pin, and what to keep or drop whole, for a block to stay what it is.

    JSON and calls: all but the inside of strings of more than four words is pinned. Tables: header
    and delimiter row are pinned, each other row is whole. Code: all but blank lines, comments and,
    in Python, docstrings is pinned; these are whole.

    Returns
    -------
    pinned, whole
        Ascending ranges of ``text``; between the two, none overlap. Characters in neither may be
        dropped one by one.
    """
    if block.kind == "table":
        return by_row(text, block.start, block.end)
    if block.kind == "code":
        return _fenced(text, block)
    return _values(text, block.start, block.end)


def _values(text: str, start: int, end: int) -> Parts:
    """JSON by value; whatever else stands in the range is pinned."""
    pinned, whole, at = [], [], start
    for value in find_json(text, start, end):
        inner_pinned, inner_whole = by_value(text, value.start, value.end)
        pinned += [(at, value.start), *inner_pinned]
        whole += inner_whole
        at = value.end
    pinned.append((at, end))
    pinned[0] = with_break(text, *pinned[0])
    return [(a, b) for a, b in pinned if a < b], whole


def _fenced(text: str, block: Block) -> Parts:
    fence = next(code.find_fences(text, block.start))
    if fence.language in _JSON:
        return _values(text, block.start, block.end)
    if fence.language in _SEPARATED and fence.inside[0] < fence.inside[1]:
        _, whole = by_row(text, *fence.inside)
        return outside(whole, *with_break(text, block.start, block.end)), whole
    return code.by_line(text, fence)


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


def _first(found: list[Block], more: Iterator[Block] | list[Block]) -> list[Block]:
    """Add the blocks of ``more`` that do not overlap one of ``found``."""
    taken = {(block.start, block.end): block for block in [*more, *found]}
    return [taken[span] for span in outermost(taken)]
