"""Rows of a table that a question of comparison is about: the ends of a column, the row beside."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SEPARATORS = {"|": 2, "\t": 2, ";": 3, ",": 3}
"""Between the cells of a row, and the fewest cells of one."""
_LEAST_ROWS = 3
_REGULAR = 0.6
"""Share of the rows with as many cells as most have, and of a column's cells that are numbers."""

_HIGH = re.compile(
    r"(?i)\b(?:most|highest|largest|greatest|biggest|longest|tallest|heaviest|fastest|newest|"
    r"latest|last|youngest|maximum|more than any|best|top)\b"
)
_LOW = re.compile(
    r"(?i)\b(?:least|lowest|smallest|fewest|shortest|lightest|slowest|oldest|earliest|first|"
    r"minimum|fewer than any|worst|bottom)\b"
)
_ENDS = re.compile(r"(?i)\b(?:first|last|earliest|latest|oldest|newest|top|bottom)\b")
_BEHIND = re.compile(r"(?i)\b(?:next|after|following|below|succeed\w*)\b")
_AHEAD = re.compile(r"(?i)\b(?:previous|before|preced\w*|above|prior)\b")
_NUMBER = re.compile(r"[^\w\-−]{0,3}([-−]?\d[\d,]*(?:\.\d+)?)\s?\S{0,8}")


def compared(
    records: Sequence[str], question: str, shared: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what rows gain from words of comparison, ``(n,)``: 0 to 1.

    *Which city has the least area?* names no row: the lowest number of each column is a guess at
    it, shared by the rows that have one. *first* and *last* also mean the ends of the table, *next*
    and *before* the row beside the one that is asked for.

    Parameters
    ----------
    shared
        What words of the question each row has, ``(n,)``.
    """
    gained = np.zeros(len(records))
    wanted = [
        choose for cue, choose in ((_HIGH, np.argmax), (_LOW, np.argmin)) if cue.search(question)
    ]
    beside = [step for cue, step in ((_BEHIND, 1), (_AHEAD, -1)) if cue.search(question)]
    rows = _cells(records) if wanted or beside else {}
    if len(rows) < _LEAST_ROWS:
        return gained
    places = np.asarray(list(rows))
    ends = set[int]()
    for column in zip(*rows.values(), strict=True):
        numbers = np.asarray([_number(cell) for cell in column])
        real = np.flatnonzero(np.isfinite(numbers))
        if len(real) >= _REGULAR * len(column):
            ends |= {int(places[real[int(choose(numbers[real]))]]) for choose in wanted}
    if ends:
        gained[list(ends)] = 1 / len(ends) ** 0.5
    if _ENDS.search(question):
        gained[places[[0, -1]]] = np.maximum(gained[places[[0, -1]]], 0.7)
    best = int(np.argmax(shared[places]))
    for step in beside:
        if shared[places[best]] > 0 and 0 <= best + step < len(places):
            gained[places[best + step]] = 1.0
    return gained


def _cells(records: Sequence[str]) -> dict[int, list[str]]:
    """Cells of the rows of a table, by the numbers of the records; none where it is no table."""
    for separator, least in _SEPARATORS.items():
        rows = [record.split(separator) for record in records]
        usual, times = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
        if usual >= least and times >= _REGULAR * len(records):
            return {
                number: [cell.strip() for cell in row]
                for number, row in enumerate(rows)
                if len(row) == usual
            }
    return {}


def _number(cell: str) -> float:
    """The number that a cell is, with a unit or without; NaN where it is none."""
    match = _NUMBER.fullmatch(cell)
    return float(match[1].replace(",", "").replace("−", "-")) if match else float("nan")
