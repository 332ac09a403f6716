"""Rules in the order in which to keep them: statement by statement, since half a rule is none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelingua.selection.company import Company

Numbers = NDArray[np.int64]

_BODY = 0.75
"""Share of a statement's characters that comes with it; the rest of all, articles mostly, comes
last."""

_DENYING = 0.3
"""What a negation adds to a statement: of all words, the share that it is raised above.

Of the rules of `benchmarks.faithfulness.system_prompts`, at a tenth, fifth and half of the tokens,
12, 24 and 66 % can be read so; with whole statements (``_BODY`` of 1) 11, 23 and 60, word by word
7, 17 and 42."""


def statements(
    ranking: Numbers, lengths: Numbers, company: Company, negates: NDArray[np.bool_]
) -> tuple[list[Numbers], Numbers]:
    """Return what has to stay of each statement, the best one first, and the rest of all.

    The number of an item goes with the statement behind it. A statement is worth the mean of the
    places of its words in the ranking, so whatever scored them, and of a last place: a heading of
    one word is no rule. With a negation it is worth more: that forbids something.

    Parameters
    ----------
    ranking
        Numbers of units, the best first.
    lengths, company, negates
        Of all units: ``(U,)``.
    """
    words = company.words[ranking]
    place = np.linspace(1, 0, words.sum(), endpoint=False)
    statement = _with_numbers(company)[ranking]
    many = np.bincount(statement[words], minlength=statement.max(initial=0) + 1)
    worth = np.bincount(statement[words], place, minlength=len(many)) / (many + 1)
    worth[np.unique(statement[negates[ranking]])] += _DENYING
    order = np.lexsort((statement, -worth[statement]))  # stable: in a statement, as they were
    number = statement[order]
    bodies, rest = [], np.zeros(len(ranking), dtype=bool)
    for own in np.split(order, np.flatnonzero(np.diff(number)) + 1):
        reach = np.cumsum(lengths[ranking[own]])
        body = reach - lengths[ranking[own]] < _BODY * reach[-1:]
        rest[own[~body]] = True
        if words[own].any():
            bodies.append(ranking[own[body]])
    return bodies, ranking[rest]


def _with_numbers(company: Company) -> Numbers:
    """Number the statements, ``(U,)``; one of figures alone heads the next."""
    statement = company.statement - company.statement.min(initial=0)
    says = np.bincount(statement[company.words & ~company.figure], minlength=statement[-1] + 1)
    heads = np.append(says[:-1] == 0, np.False_)
    following = np.minimum.accumulate(np.where(heads, len(heads), np.arange(len(heads)))[::-1])
    number: Numbers = following[::-1][statement]
    return number
