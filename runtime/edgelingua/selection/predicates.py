"""What is kept of several parts of a sentence: each with its subject and its verb."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.text.predicates import predicates

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Leads:
    """Parts of sentences in units.

    ``within``, ``of`` ``(U,)``: the part of a unit, and of one that says something by itself; -1:
    none. ``statement``, ``chain``, ``run`` ``(P,)``: the sentence of a part; a number that it
    shares with the parts that it goes on from; and one with those whose leads it needs too.
    ``unit``, ``part`` ``(m,)``: which units carry which part.
    """

    within: Numbers
    of: Numbers
    statement: Numbers
    chain: Numbers
    run: Numbers
    unit: Numbers
    part: Numbers

    @classmethod
    def none(cls, units: int) -> Leads:
        """Return those of units that are no prose."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(
            np.full(units, -1), np.full(units, -1), nothing, nothing, nothing, nothing, nothing
        )

    @classmethod
    def of_text(cls, text: str, ends: Numbers, edges: Numbers, tells: Mask) -> Leads:
        """Find them in ``text``, whose sentences end at ``ends``.

        ``tells`` ``(U,)`` bool: a unit is more than a mark or a small word.
        """
        found = predicates(text, ends)
        if not len(found.starts):
            return cls.none(len(edges) - 1)
        of = np.searchsorted(found.starts, edges[1:] - 1, "right") - 1
        unit = np.searchsorted(edges, found.leads[:, 0], "right") - 1
        return cls(
            of,
            np.where(tells, of, -1),
            found.statement,
            np.cumsum(~found.linked),
            np.cumsum(~found.hangs),
            unit,
            found.part,
        )

    def slice(self, units: slice) -> Leads:
        """Return those of some units that follow each other."""
        stay = (self.unit >= units.start) & (self.unit < units.stop)
        return replace(
            self,
            within=self.within[units],
            of=self.of[units],
            unit=self.unit[stay] - units.start,
            part=self.part[stay],
        )

    def without_words(self, units: Mask) -> Leads:
        """Return those in which some units, ``(U,)`` bool, need nothing; others may need them."""
        return replace(
            self, of=np.where(units, -1, self.of), within=np.where(units, -1, self.within)
        )

    def without(self, units: Mask) -> Leads:
        """Return those in which some units, ``(U,)`` bool, are no part of a sentence."""
        stay = ~units[self.unit]
        return replace(self.without_words(units), unit=self.unit[stay], part=self.part[stay])

    def priced(self, scores: NDArray[np.float32], free: Mask) -> NDArray[np.float32]:
        """Lower words of all parts of a sentence but the best to what they are worth with leads.

        A part that is kept beside another comes with leads: its best words are worth the mean over
        them and those, whichever number of best words has the highest.

        Parameters
        ----------
        scores
            Of the units, ``(U,)``.
        free
            Which of them may be kept or dropped: ``(U,)`` bool.
        """
        many = len(self.statement)
        content = np.flatnonzero((self.of >= 0) & free & np.isfinite(scores))
        if not len(content):
            return scores
        order = content[np.lexsort((content, -scores[content], self.of[content]))]
        part = self.of[order]
        begins = np.flatnonzero(np.diff(part, prepend=-1))
        parts = part[begins]
        best = np.full(many, -np.inf)
        best[parts] = scores[order[begins]]
        # The best part of each sentence, the first one of equals.
        ranked = parts[np.lexsort((parts, -best[parts], self.statement[parts]))]
        primary = ranked[np.flatnonzero(np.diff(self.statement[ranked], prepend=-1))]
        first = np.full(self.statement[-1] + 1, -1)
        first[self.statement[primary]] = primary
        lead = free[self.unit] & np.isfinite(scores[self.unit])
        unit, of = self.unit[lead], self.part[lead]
        cost = self._along_runs(np.bincount(of, minlength=many))
        worth = self._along_runs(np.bincount(of, scores[unit], minlength=many))
        # Before the best part it is that one that needs its lead.
        with_first = first[self.statement]
        before = (with_first >= 0) & (self.chain[with_first] > self.chain)
        cost, worth = (np.where(before, each[with_first], each) for each in (cost, worth))
        sizes = np.diff([*begins, len(order)])
        rank = np.arange(len(order)) - np.repeat(begins, sizes) + 1
        sums = np.cumsum(scores[order], dtype=np.float64)
        sums -= np.repeat(sums[begins] - scores[order[begins]], sizes)
        price = np.full(many, np.inf)
        means = (sums + worth[part]) / (rank + cost[part])
        price[parts] = np.maximum.reduceat(means, begins)
        price[primary] = np.inf
        lowered = np.where(self.within >= 0, np.minimum(scores, price[self.within]), scores)
        return lowered.astype(np.float32)

    def _along_runs(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Sum from the first part of each run up to each part."""
        sums = np.cumsum(values, dtype=np.float64)
        begins = np.flatnonzero(np.diff(self.run, prepend=-1))
        summed: NDArray[np.float64] = sums - np.repeat(
            sums[begins] - values[begins], np.diff([*begins, len(sums)])
        )
        return summed

    def lacking(self, kept: Mask) -> Numbers:
        """How many of its own leads are not among what is ``kept`` ``(U,)``: ``(P,)``."""
        return np.bincount(self.part[~kept[self.unit]], minlength=len(self.statement))

    def leading(self, units: Numbers, parts: Numbers) -> Mask:
        """Which units are a lead of a part beside them: ``(n,)`` bool, of ``n`` of both."""
        many = len(self.within)
        leading: Mask = np.isin(parts * many + units, self.part * many + self.unit)
        return leading

    def missing(self, kept: Mask) -> NDArray[np.float64]:
        """How many leads that a part needs are not among what is ``kept`` ``(U,)``: ``(P,)``."""
        return self._along_runs(self.lacking(kept))

    def fellows(self, unit: int, others: Numbers) -> Mask:
        """Which of some other units are of the same part as a unit: ``(n,)`` bool."""
        fellows: Mask = (self.within[others] == self.of[unit]) & (self.of[unit] >= 0)
        return fellows

    def needed(self, kept: Mask, protected: Mask) -> Numbers:
        """Return the units that what is ``kept`` ``(U,)`` of several parts of a sentence needs.

        What is ``protected`` stays without company, but others do not beside it.
        """
        touched = np.zeros((2, len(self.statement)), dtype=bool)
        for number, units in enumerate((kept, kept & ~protected)):
            of = self.of[units]
            touched[number, of[of >= 0]] = True
        at = np.flatnonzero(touched[0])
        chain, statement = self.chain[at], self.statement[at]
        # What stands first in a sentence, in one part, runs into nothing before it.
        alone = np.diff(statement, prepend=-1) != 0
        alone[:-1] &= chain[1:] != chain[:-1]
        return self.leads_of(at[~alone & touched[1, at]])

    def leads_of(self, parts: Numbers) -> Numbers:
        """Return the units that some parts, ascending, need."""
        last = np.full(self.run.max(initial=0) + 1, -1)
        last[self.run[parts]] = parts  # ascending: the last one stays
        return self.unit[self.part <= last[self.run[self.part]]]
