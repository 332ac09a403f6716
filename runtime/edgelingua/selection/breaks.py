"""Where a line break stands: words that stay without their clause run into no other one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgelingua.selection.predicates import Leads
from edgelingua.text.boundaries import BLANKS
from edgelingua.text.grammar import CLASS, Class

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]

_CHEAP = 1
"""Words, about as many as the tokens of the break that they spare."""


@dataclass(frozen=True, eq=False)
class Breaks:
    """What is known of units, to see where clauses would run together; arrays are bool, ``(U,)``.

    Parameters
    ----------
    leads
        The parts of sentences, those of answers too.
    words
        Whether a unit says something, by a letter or digit.
    answers
        Units that stay without the subject and the verb of their part.
    links
        Words such as "and" that open a part, and say nothing without what they link.
    apart
        Whether a unit begins with a blank in the place of which a line break may stand.
    """

    leads: Leads
    words: Mask
    answers: Mask
    links: Mask
    apart: Mask

    @classmethod
    def none(cls, units: int) -> Breaks:
        """Return that of units of which none stays without its clause."""
        no = np.zeros(units, dtype=bool)
        return cls(Leads.none(units), no, no, no, no)

    @classmethod
    def of(
        cls, text: str, edges: Numbers, leads: Leads, words: Mask, answers: Mask, protected: Mask
    ) -> Breaks:
        """Look at the units between ``edges`` ``(U + 1,)``."""
        pieces = [text[a:b] for a, b in pairwise(edges.tolist())]
        links = np.asarray([_links(piece) for piece in pieces], dtype=bool)
        before = np.concatenate([[-2], leads.within[:-1]])
        links &= ~protected & (leads.within != before)
        apart = np.asarray([piece[:1] in " \t" and _on_a_line(piece) for piece in pieces], bool)
        return cls(leads, words, answers & (leads.within >= 0), links, apart & ~protected)

    def without(self, units: Mask) -> Breaks:
        """Return that in which some units, ``(U,)`` bool, are no part of a sentence."""
        return replace(self, leads=self.leads.without(units), answers=self.answers & ~units)

    def cheaper(self, kept: Mask) -> Numbers:
        """Return the units that carry what would need a break, if they cost no more than one.

        Whatever they cost, where a break would part the next verbs from their subject.
        """
        lacking = self._lacking(kept)
        left, right = (self.leads.within[units] for units in self._meet(kept, lacking))
        of = np.append(left, right)
        goes_on = (self.leads.chain[left] == self.leads.chain[right]) & (lacking[right] == 0)
        cheap = np.append(of[(lacking[of] > 0) & (lacking[of] <= _CHEAP)], left[goes_on])
        return self.leads.leads_of(np.unique(cheap)) if len(cheap) else cheap

    def at(self, kept: Mask) -> tuple[Numbers, Numbers]:
        """Return before which of the units ``kept`` ``(U,)`` a line break stands.

        Between words of two parts of a sentence, of which one lacks its leads. And which units
        would only link them, and go.
        """
        left, right = self._meet(kept, self._lacking(kept))
        if not len(left):
            return left, left
        links = np.flatnonzero(kept & self.links)
        between = np.searchsorted(left, links) - 1  # the last one before it
        linked = (between >= 0) & (links < right[between])
        may = np.where(kept & self.apart, np.arange(len(kept)), -1)
        begins = np.maximum.accumulate(may)[right]
        return begins[begins > left], links[linked]

    def _lacking(self, kept: Mask) -> NDArray[np.float64]:
        """How many leads the parts lack of which something is ``kept``: ``(P,)``.

        None, where no answer is kept: then all that stands beside others has its leads.
        """
        lacking = np.zeros(len(self.leads.statement))
        if (kept & self.answers).any():
            of = self.leads.of[kept]
            touched = np.concatenate([of[of >= 0], self.leads.within[kept & self.answers]])
            lacking[touched] = self.leads.missing(kept | self.links)[touched]
        return lacking

    def _meet(self, kept: Mask, lacking: NDArray[np.float64]) -> tuple[Numbers, Numbers]:
        """Words ``kept`` beside each other that would seem to be of one part, and are of two.

        What stands first, and is no answer, runs into nothing that brings its own leads; nor does
        a word into what stands behind it in the text too and has its own subject, nor one into its
        verb: "Oskar, who".
        """
        if not lacking.any():
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        part = self.leads.within
        answered = np.zeros(len(lacking), dtype=bool)
        answered[part[kept & self.answers]] = True
        standing = np.flatnonzero(kept & self.words & ~self.links & (part >= 0))
        left, right = standing[:-1], standing[1:]
        of_left, of_right = part[left], part[right]
        meets = (lacking[of_right] > 0) | ((lacking[of_left] > 0) & answered[of_left])
        meets &= of_left != of_right
        meets &= self.leads.statement[of_left] == self.leads.statement[of_right]
        gone = np.cumsum(~kept)
        goes_on = self.leads.chain[of_left] == self.leads.chain[of_right]
        meets &= (gone[left] != gone[right]) | (lacking[of_right] > 0) | goes_on
        left, right, of_right = left[meets], right[meets], of_right[meets]
        whole = self.leads.lacking(kept | self.links)[of_right] == 0
        parted = ~(whole & self.leads.leading(left, of_right))
        return left[parted], right[parted]


def _links(piece: str) -> bool:
    word = piece.strip(BLANKS).lower()
    return word != "nor" and CLASS.get(word) is Class.COORDINATOR


def _on_a_line(piece: str) -> bool:
    """Whether no line break is among the blanks before a piece."""
    solid = piece.lstrip()
    return bool(solid) and "\n" not in piece[: len(piece) - len(solid)]
