"""What comes with what: a clause with what turns it round, a line with its head, marks at joins.

Units are chosen one by one, by their scores; what is chosen may need others beside it, or it says
what the text did not say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgelingua.selection.breaks import Breaks
from edgelingua.selection.predicates import Leads

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Company:
    """What each unit needs beside it; arrays are ``(U,)``.

    Parameters
    ----------
    words
        Whether a unit says something, by a letter or digit, and may need others.
    protected
        Units that stay in any case. What they need comes only where the budget allows; it is for
        the ranking to put it first.
    clause, core
        The clause of a unit, and whether the unit comes with whatever is chosen of it.
    line, head
        The same for lines that have a head: a time, a path, a name.
    statement
        The statement of a unit. Where two meet, a mark parts them.
    figure
        Whether a unit ends with a digit: a mark that was not behind it makes another number of it.
    line_break, full_stop
        The last unit up to this one, and the first from this one on, that may part statements; -1
        and ``U``: there is none.
    leads
        The parts of sentences, and what each needs beside another.
    breaks
        Words that need nothing of it, and stand on a line of their own beside another.
    """

    words: Mask
    protected: Mask
    clause: Numbers
    core: Mask
    line: Numbers
    head: Mask
    statement: Numbers
    figure: Mask
    line_break: Numbers
    full_stop: Numbers
    leads: Leads
    breaks: Breaks

    @classmethod
    def none(cls, units: int) -> Company:
        """Return that of units which need nothing."""
        no, same = np.zeros(units, dtype=bool), np.zeros(units, dtype=np.int64)
        leads, breaks = Leads.none(units), Breaks.none(units)
        return cls(no, no, same, no, same, no, same, no, same - 1, same + units, leads, breaks)

    def part(self, units: slice) -> Company:
        """Return that of some units that follow each other: of a segment, which needs no other."""
        size = units.stop - units.start
        return Company(
            self.words[units],
            self.protected[units],
            self.clause[units] - self.clause[units].min(initial=0),
            self.core[units],
            self.line[units] - self.line[units].min(initial=0),
            self.head[units],
            self.statement[units],
            self.figure[units],
            np.maximum(self.line_break[units] - units.start, -1),
            np.minimum(self.full_stop[units] - units.start, size),
            self.leads.slice(units),
            Breaks.none(size),  # what is chosen of a segment is parted in the whole
        )

    def without(self, units: Mask) -> Company:
        """Return that in which some units, ``(U,)`` bool, need and part nothing."""
        return replace(
            self,
            words=self.words & ~units,
            core=self.core & ~units,
            head=self.head & ~units,
            leads=self.leads.without(units),
            breaks=self.breaks.without(units),
        )

    def complete(self, kept: Mask) -> Mask:
        """Return ``kept`` ``(U,)`` with all that it needs."""
        kept = self._with_core(kept)
        kept[self.leads.needed(kept, self.protected)] = True
        kept[self.breaks.cheaper(kept)] = True
        kept = self._with_core(kept)
        kept[self.joints(kept, between_protected=False)] = True
        return kept

    def _with_core(self, kept: Mask) -> Mask:
        kept = kept.copy()
        for part, comes_with in ((self.clause, self.core), (self.line, self.head)):
            if comes_with.any():
                touched = np.zeros(part.max(initial=0) + 1, dtype=bool)
                touched[part[kept & self.words & ~self.protected]] = True
                kept |= comes_with & touched[part]
        return kept

    def joints(self, kept: Mask, *, between_protected: bool) -> Numbers:
        """Return the marks that part what is kept of different statements: numbers of units.

        A line break where there is one, else what ends the first of the two; behind a number with
        the word that it stands behind.
        """
        standing = np.flatnonzero(kept & self.words)
        left, right = standing[:-1], standing[1:]
        meets = self.statement[left] != self.statement[right]
        if not between_protected:
            meets &= ~(self.protected[left] & self.protected[right])
        left, right = left[meets], right[meets]
        broken = self.line_break[right] > left
        stopped = left[~broken & (self.full_stop[left] < right)]
        stops = self.full_stop[stopped]
        found = [self.line_break[right[broken]], stops]
        if self.figure[stopped].any():
            last_word = np.maximum.accumulate(np.where(self.words, np.arange(len(kept)), 0))
            found.append(last_word[stops[self.figure[stopped]]])
        return np.concatenate(found)
