"""Windows over a long text: what a model reads at once, and how they become one again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgelingua.scorers.seams import seams


@dataclass(frozen=True, eq=False)
class Window:
    """A part of a text that a model reads at once.

    ``seen`` tokens are read; those ``judged`` get a score, which counts by ``weights``, one for
    each of them. With this window and those before it, a text is done up to the token ``done``.
    """

    seen: slice
    judged: slice
    weights: NDArray[np.float32]
    done: int

    def add(self, scores: NDArray[np.float32], to: NDArray[np.float32]) -> None:
        """Add the scores of the tokens ``seen`` to those of the text."""
        first = self.judged.start - self.seen.start
        to[self.judged] += self.weights * scores[first : first + len(self.weights)]


def windows(ids: NDArray[np.int64], room: int) -> list[Window]:
    """Cut tokens ``(T,)`` into windows of at most ``room``.

    They overlap by an eighth of the longest, at places that depend on the text around them alone
    (`seams`): windows that see the same text differ in how they judge all of it, so what a token
    gets must not hang on how far from the beginning it stands. Where two overlap, the one fades
    into the other: weights of a token add up to one. The first and the last see as much as they
    can.
    """
    margin = room // 16
    cuts = _cuts(ids, room, margin)
    rise = (np.arange(2 * margin, dtype=np.float32) + 0.5) / (2 * margin or 1)
    found = []
    for cut, following in pairwise(cuts):
        start, end = max(0, cut - margin), min(len(ids), following + margin)
        seen_from = max(0, min(start, len(ids) - room)) if following == len(ids) else start
        seen_to = max(end, room) if cut == 0 else end
        weights = np.ones(end - start, dtype=np.float32)
        if cut > 0:
            weights[: len(rise)] = rise
        if following < len(ids):
            weights[len(weights) - len(rise) :] = rise[::-1]
        seen = slice(seen_from, min(seen_to, len(ids)))
        found.append(Window(seen, slice(start, end), weights, following))
    return found


def _cuts(ids: NDArray[np.int64], room: int, margin: int) -> list[int]:
    """Where windows of ``room`` tokens meet that overlap by twice ``margin``."""
    longest = room - 2 * margin
    if len(ids) > room + longest:
        return seams(ids, longest)
    # Two are enough, and the first sees most: where a text begins it says what it is about.
    return sorted({0, min(len(ids), room - margin if len(ids) > room else room), len(ids)})
