"""What can part statements: the full stops and line breaks at their ends."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from edgelingua.text.boundaries import BLANKS, before_blanks
from edgelingua.text.clauses import without_blanks

_FULL_STOP = re.compile(r"[ \t]*[.!?…。！？।॥؟۔።၊။]{1,3}[\"'”’)\]」』]{0,3}")
_OTHER_MARK = re.compile(r"[ \t]*[^\w\s]{1,3}")
_MOST_MARKS = 8
"""Looked at behind the last word of a statement."""

_PIECE = re.compile(r"\S+")


def break_edges(
    text: str, ends: NDArray[np.int64], protected: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Offsets between a line break that ends a statement and the first word of the next.

    Not before a word that is ``protected`` (``(len(text),)`` bool): it keeps its line break.
    """
    breaks = []
    for end in ends.tolist():
        start = before_blanks(text, end)
        behind = _PIECE.match(text, end)
        broken = start > 0 and text[start - 1] == "\n"
        if broken and behind and not protected[start : behind.end()].any():
            breaks.append(start)
    return np.asarray(breaks, dtype=np.int64)


def line_breaks(text: str, edges: NDArray[np.int64], words: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a unit is no word and ends with a line break: ``(U,)`` bool."""
    found = np.zeros(len(words), dtype=bool)
    for unit in np.flatnonzero(~words).tolist():
        piece = text[edges[unit] : edges[unit + 1]]
        found[unit] = piece.rstrip(BLANKS).endswith("\n")
    return found


def full_stops(
    text: str,
    ends: NDArray[np.int64],
    edges: NDArray[np.int64],
    words: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Whether a unit is the mark that ends a statement: ``(U,)`` bool.

    The first one behind the last word of each of ``ends`` that can; else its last unit, if that is
    a mark.
    """
    found = np.zeros(len(words), dtype=bool)
    last_word = np.maximum.accumulate(np.where(words, np.arange(len(words)), -1))
    solid = without_blanks(text, ends)
    for last in (np.searchsorted(edges, solid, "left") - 1).tolist():
        first = int(last_word[last]) + 1
        for unit in range(first, min(last + 1, first + _MOST_MARKS)):
            if _FULL_STOP.fullmatch(text, *edges[unit : unit + 2].tolist()):
                found[unit] = True
                break
        else:
            is_mark = _OTHER_MARK.fullmatch(text, *edges[last : last + 2].tolist())
            found[last] = first <= last and is_mark is not None
    return found
