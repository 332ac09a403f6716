"""Where a visible mark tells that something was left out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edgelingua.selection.company import Mask, Numbers
from edgelingua.text.boundaries import BLANKS, alphanumeric


@dataclass(frozen=True, eq=False)
class Gaps:
    """What is known of units, to see where words of a sentence are missing; arrays are ``(U,)``.

    Parameters
    ----------
    words
        Whether a unit says something, by a letter or digit.
    statement
        The statement of a unit.
    whole
        Lines, rows and elements of machine text, and what frames them: none is a part of a
        sentence.
    opens, ends
        Whether a unit begins with a line break, or ends with a mark or one: either parts it from
        what stands beside it.
    """

    words: Mask
    statement: Numbers
    whole: Mask
    opens: Mask
    ends: Mask

    @classmethod
    def of(cls, text: str, edges: Numbers, statement: Numbers, whole: Mask) -> Gaps:
        """Look at the units between ``edges`` ``(U + 1,)``."""
        pieces = [text[a:b].strip(BLANKS) for a, b in pairwise(edges.tolist())]
        many = np.concatenate([[0], np.cumsum(alphanumeric(text))])
        return cls(
            many[edges[1:]] > many[edges[:-1]],
            statement,
            whole,
            np.asarray([piece[:1] in "\r\n" for piece in pieces], dtype=bool),
            np.asarray([not piece[-1:].isalnum() for piece in pieces], dtype=bool),
        )

    def at(self, kept: Mask) -> Numbers:
        """Return before which of the units ``kept`` ``(U,)`` a mark stands: their numbers.

        Inside a sentence, where a word is missing between two; and where two sentences would meet
        with neither mark nor line break between them.
        """
        standing = np.flatnonzero(kept & self.words)
        left, right = standing[:-1], standing[1:]
        missing = _next(~kept & self.words)[left]
        anything = _next(~kept)[left]
        same = self.statement[left] == self.statement[right]
        parts = _next(kept & ~self.words & self.ends)[left] < right
        parts |= self.ends[left] | self.opens[right]
        shown = np.where(same, missing < right, ~parts & (anything < right))
        shown &= ~self.whole[left] & ~self.whole[right]
        gap = np.where(missing < right, missing, anything)[shown]
        return _next(kept)[gap]


def _next(of: Mask) -> Numbers:
    """The first of ``of`` ``(U,)`` from each unit on; ``U`` where there is none."""
    at = np.where(of, np.arange(len(of)), len(of))
    found: Numbers = np.minimum.accumulate(at[::-1])[::-1]
    return found
