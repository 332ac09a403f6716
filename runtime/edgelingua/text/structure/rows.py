"""Lines with headings above them: how rows become records and frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgelingua.text.ranges import Range
from edgelingua.text.structure.outline import LONGEST_RECORD, Sketch

_LONGEST_HEADING = 4 * LONGEST_RECORD
"""Characters; what is longer heads nothing: it would outweigh what it heads."""


@dataclass(frozen=True)
class Row:
    """A line, or lines that belong together.

    Parameters
    ----------
    start, end
        Its characters, indentation included, the line break not.
    level
        A row stands under the last one before it with a lower level.
    heads
        Stays with what stands under it, and is not chosen for itself.
    closes
        Stays with what stands between the row that it stands under and itself.
    head
        Characters at its beginning that stay with any word of it, where it is too long to go whole.
    whole
        Goes whole, however long it is.
    favoured
        See `Outline`.
    """

    start: int
    end: int
    level: float = 0
    heads: bool = False
    closes: bool = False
    head: int = 0
    whole: bool = False
    favoured: bool = False


def outline_rows(sketch: Sketch, rows: Sequence[Row]) -> None:
    """Add rows, ascending, to a sketch: records, headings above them, and the breaks between."""
    above = _parents(rows)
    ends = [row.end for row in rows]
    has_rows = [False] * len(rows)
    for index in range(len(rows) - 1, -1, -1):
        if above[index] >= 0:
            ends[above[index]] = max(ends[above[index]], ends[index])
            has_rows[above[index]] |= not rows[index].closes
    for index, row in enumerate(rows):
        under = above[index]
        within: Range = (row.start, ends[index])
        if row.favoured:
            sketch.favoured.append((row.start, row.end))
        if row.closes and under >= 0:
            within = (rows[under].end, row.start)
            sketch.frame(row.start, row.end, within)
        elif has_rows[index]:
            sketch.frame(row.start, row.end, within if not row.heads else (row.end, ends[index]))
            if not row.heads:
                sketch.record(row.start, row.end)
        elif row.end - row.start <= LONGEST_RECORD or row.whole:
            sketch.record(row.start, row.end)
        else:
            body = row.start + row.head
            sketch.frame(row.start, body, (body, row.end))
            sketch.loose(body, row.end)
        if index:
            before = rows[index - 1].end
            # Above a row stands what it stands under, and stays with it.
            sketch.frame(before, row.start, within, None if under >= 0 else (rows[0].start, before))


def _parents(rows: Sequence[Row]) -> list[int]:
    above, open_rows = [], list[int]()
    for index, row in enumerate(rows):
        while open_rows and rows[open_rows[-1]].level >= row.level:
            open_rows.pop()
        above.append(open_rows[-1] if open_rows else -1)
        if row.end - row.start <= _LONGEST_HEADING and not row.closes:
            open_rows.append(index)
    return above
