"""What parts statements stays between what is left of them: full stops and line breaks.

Without it, words of two statements would stand side by side, and say what neither said.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelingua.text.boundaries import BLANKS
from edgelingua.text.clauses import statement_ends, without_blanks


def break_edges(
    text: str, ends: NDArray[np.int64], protected: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Offsets between a line break that ends a statement and the first word of the next.

    Not before a word that is ``protected`` (``(len(text),)`` bool): it keeps its line break.
    """
    breaks = [
        start
        for start, end in zip(_before_blanks(text, ends), ends.tolist(), strict=True)
        if text[start - 1] == "\n" and end < len(text) and not protected[start : end + 1].any()
    ]
    return np.asarray(breaks, dtype=np.int64)


def kept_apart(
    text: str,
    borders: NDArray[np.int64],
    edges: NDArray[np.int64],
    scores: NDArray[np.float32],
    protected: NDArray[np.bool_],
    words: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Raise what ends a statement, or the line break before it, where two statements would meet.

    As high as the worse of the two: there both have something to say. Other marks go with the word
    they stand behind.

    Parameters
    ----------
    text
        The text.
    borders
        Where its segments begin, ascending: what is between two of them is not for marks to part.
    edges, scores, protected
        Of the units, ``(U + 1,)``, ``(U,)`` and ``(U,)``.
    words
        Whether a unit holds a letter or digit: ``(U,)``.

    Returns
    -------
    ``(U,)``: some of the scores raised or lowered.
    """
    scores = _marks_with_words(text, edges, scores, words)
    ends = statement_ends(text)
    begins = np.asarray([0, *_before_blanks(text, ends)[:-1]], dtype=np.int64)[: len(ends)]
    first = np.searchsorted(edges, begins, "right") - 1
    last = np.searchsorted(edges, without_blanks(text, ends), "left")
    worth = np.where(protected, np.float32(np.inf), scores)
    best = np.full(len(ends), -np.inf, dtype=np.float32)
    final = last.copy()
    for number, (start, stop) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        real = start + np.flatnonzero(words[start:stop])
        if len(real):
            best[number], final[number] = worth[real].max(), real[-1] + 1
    segment = np.searchsorted(borders, begins, "right")
    before, behind = _best_beside(best, segment)
    # A hair above: where the budget ends in between, the mark is there and the word is not.
    for at, (start, stop) in enumerate(zip(final.tolist(), last.tolist(), strict=True)):
        wanted = np.nextafter(min(best[at], behind[at]), np.float32(np.inf))
        scores[start:stop] = np.maximum(scores[start:stop], wanted)
        line = int(first[at]) - 1
        if line >= 0 and not words[line] and "\n" in text[edges[line] : edges[line + 1]]:
            wanted = np.nextafter(min(best[at], before[at]), np.float32(np.inf))
            scores[line] = max(scores[line], wanted)
    return scores


def _best_beside(
    best: NDArray[np.float32], segment: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Best of all that stands before, and behind, each statement in its segment: ``(n,)`` each."""
    before, behind = np.full_like(best, -np.inf), np.full_like(best, -np.inf)
    for at in range(1, len(best)):
        if segment[at] == segment[at - 1]:
            before[at] = max(before[at - 1], best[at - 1])
    for at in range(len(best) - 2, -1, -1):
        if segment[at] == segment[at + 1]:
            behind[at] = max(behind[at + 1], best[at + 1])
    return before, behind


def _marks_with_words(
    text: str, edges: NDArray[np.int64], scores: NDArray[np.float32], words: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Lower marks to the score of the unit they stand right behind: none stays without it."""
    scores = scores.copy()
    for unit in np.flatnonzero(~words[1:]).tolist():
        if not text[edges[unit + 1]].isspace():
            scores[unit + 1] = min(scores[unit + 1], scores[unit])
    return scores


def _before_blanks(text: str, ends: NDArray[np.int64]) -> list[int]:
    """Where the blanks before each next statement begin: they go with its first word."""
    starts = []
    for end in ends.tolist():
        start = end
        while start > 1 and text[start - 1] in BLANKS:
            start -= 1
        starts.append(start)
    return starts
