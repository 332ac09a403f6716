"""From the blocks of a text to its outline."""

from __future__ import annotations

import re

from edgelingua.text.ranges import lines, merged, with_break
from edgelingua.text.structure.blocks import Block, find
from edgelingua.text.structure.code import find_fences, rows_of_code
from edgelingua.text.structure.json_outline import outline_json
from edgelingua.text.structure.json_text import find_json
from edgelingua.text.structure.levels import rows_of_lines
from edgelingua.text.structure.markup import outline_markup
from edgelingua.text.structure.noise import find_noise, with_noise
from edgelingua.text.structure.outline import LONGEST_RECORD, Outline, Sketch
from edgelingua.text.structure.rows import Row, outline_rows
from edgelingua.text.structure.tables import rows_of

_BREAK = re.compile(r"\s*\n[^\S\n]*")
_LINE_BREAK = re.compile(r"\r?\n")
_JSON = {"json", "jsonl", "ndjson", "geojson"}
_SEPARATED = {"csv", "tsv"}


def pinned(text: str) -> Outline:
    """Pin all blocks, with the line breaks around them: what follows must not move up."""
    found = []
    for block in find(text):
        found.append(with_break(text, block.start, block.end))
        if (behind := _LINE_BREAK.match(text, block.end)) is not None:
            found.append(behind.span())
    return Outline(pinned=tuple(merged(found, touching=True)))


def outline(text: str) -> Outline:
    """Outline all blocks: lines, rows, statements, members and elements, and what frames them.

    A line break before or behind a block stays as long as something stays on both sides of it.
    """
    sketch = Sketch()
    blocks = find(text)
    for index, block in enumerate(blocks):
        _outline(sketch, text, block)
        following = blocks[index + 1].start if index + 1 < len(blocks) else len(text)
        before = _space_before(text, blocks[index - 1].end if index else 0, block.start)
        if before < block.start:
            sketch.frame(before, block.start, (block.start, block.end), (0, before))
        behind = _BREAK.match(text, block.end, following)
        if behind and behind.end() < following:
            sketch.frame(*behind.span(), (behind.end(), following), (0, block.end))
    noise = merged([*sketch.noise, *find_noise(text)])
    sketch.noise = []
    return with_noise(text, sketch, noise)


def _space_before(text: str, floor: int, at: int) -> int:
    """Where the white space before a block begins, if it holds a line break; else the block."""
    start = at
    while start > floor and text[start - 1].isspace():
        start -= 1
    return start if "\n" in text[start:at] else at


def _outline(sketch: Sketch, text: str, block: Block) -> None:
    match block.kind:
        case "fence":
            _fenced(sketch, text, block)
        case "json":
            _values(sketch, text, block.start, block.end)
        case "tool_call":
            _call(sketch, text, block)
        case "markup":
            outline_markup(sketch, text, block.start, block.end)
        case "table":
            outline_rows(sketch, rows_of(text, block.start, block.end))
        case kind:
            outline_rows(sketch, rows_of_lines(text, kind, block.start, block.end))


def _values(sketch: Sketch, text: str, start: int, end: int) -> None:
    """JSON values one after the other; whatever else stands in the range frames them."""
    values = [(value.start, value.end) for value in find_json(text, start, end)]
    at = start
    for a, b in values:
        outline_json(sketch, text, a, b, row=len(values) > 1)
        if at < a:
            sketch.frame(at, a, (a, b), None if at == start else (start, at))
        at = b
    if at < end:
        sketch.frame(at, end, (start, at)) if values else sketch.record(start, end)


def _call(sketch: Sketch, text: str, block: Block) -> None:
    """A call goes whole, but for the elements of long arguments that are JSON."""
    if block.end - block.start <= LONGEST_RECORD or "{" not in text[block.start : block.end]:
        sketch.record(block.start, block.end)
    else:
        _values(sketch, text, block.start, block.end)


def _fenced(sketch: Sketch, text: str, block: Block) -> None:
    """The fences stay with what is between them."""
    fence = next(find_fences(text, block.start))
    start, end = fence.inside
    inside = text[start:end]
    a, b = start + len(inside) - len(inside.lstrip("\r\n")), start + len(inside.rstrip())
    if a >= b:
        sketch.record(block.start, block.end)
        return
    a = text.rfind("\n", start, a + len(text[a:b]) - len(text[a:b].lstrip()) + 1) + 1 or a
    sketch.frame(block.start, a, (a, b))
    if fence.language in _JSON:
        _values(sketch, text, a, b)
    elif fence.language in _SEPARATED:
        outline_rows(sketch, rows_of(text, a, b))
    else:
        shown = [(c, d) for c, d in lines(text, a, b) if text[c:d].strip()]
        rows = rows_of_code(text, shown)
        outline_rows(sketch, rows or [Row(a, b)])
    sketch.frame(b, block.end, (a, b))
