"""Documents that compete for a budget: none claims more by being loud, or by repeating itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.prompt import Prompt
from edgelingua.selection.company import Company
from edgelingua.text.echoes import novelty, odd_ones

_USUAL = 0.45
"""Novelty of a text that claims all it likes: of 5,394 passages of NQ, HotpotQA, MuSiQue and SQuAD
four have less."""

_STEEP = 6
"""Power of that share: with half of it a text claims less than a row of a table and its header."""

_PACE, _PACE_ASKED = 1 / 4, 1 / 32
"""How fast a text that goes on repeating itself is kept, of how fast the others are; with a
question, for which many repeat its words, less fast."""


_MANY = 16
"""Documents, among which one is counted among the others too, to spare time."""


def claimed(
    prompt: Prompt,
    edges: NDArray[np.int64],
    plain: NDArray[np.float32],
    scores: NDArray[np.float32],
    negates: NDArray[np.bool_],
    *,
    company: Company,
    followers: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return scores with which each document of several claims what its scorer gave it, no more.

    The order inside a document is that of its ``scores``; what the best so many characters of it
    are worth beside other documents is what the best so many were worth before negations and
    numbers were raised. So those push out words of their own document, and what frames a record,
    the header of a table, say, counts with the record. A text that goes on repeating itself claims
    a part of that (`novelty`), and is then kept at a fraction of the pace of the others; not so its
    records that are unlike the rest (`odd_ones`): the line of a log that failed.

    Parameters
    ----------
    edges, plain, scores, negates, company, followers
        Of the units, see `Units`: ``(U + 1,)``, then ``(U,)`` each; ``plain``: before any was
        raised. What comes in company of a unit is charged to a text that repeats itself;
        ``followers`` ``(n, 5)`` are charged to all.
    """
    documents = prompt.layout.documents
    if len(documents) < 2:
        return scores
    asked = bool(prompt.question)
    # What has no score goes first, and what a pin cannot do without has one without bound.
    parts = [_finite(scores, edges, offset, segment.text) for offset, segment in documents]
    lengths = np.diff(edges)
    followers = followers[np.argsort(followers[:, 0], kind="stable")]
    curves = [Curve.of(plain[part], lengths[part]) for part in parts]
    result = scores.copy()
    others: Curve | None = None
    for number, ((offset, segment), part) in enumerate(zip(documents, parts, strict=True)):
        best = part[np.lexsort((~negates[part], -scores[part]))]
        claims = min(1.0, novelty(segment.text, numbers=asked) / _USUAL) ** _STEEP
        first, end = np.searchsorted(edges, [offset, offset + len(segment.text)]).tolist()
        span = slice(first, end)
        own = slice(*np.searchsorted(followers[:, 0], [first, end]).tolist())
        needs = company.part(span) if claims < 1 else None
        cost = _with_company(best - first, lengths[span], followers[own] - first, needs)
        share = np.cumsum(cost) / max(1, cost.sum())
        dealt = curves[number].at(share)
        late = share > claims
        if claims < 1:
            late &= ~_odd(prompt, edges[first : end + 1], offset, segment.text)[best - first]
            if len(documents) <= _MANY:
                others = Curve.joined([c for at, c in enumerate(curves) if at != number])
            elif others is None:
                others = Curve.joined(curves)
            pace = _PACE_ASKED if asked else _PACE
            dealt[late] = np.minimum(dealt[late], others.at(share[late] / pace))
        if len(best):  # what had the same score has the same again
            new = np.diff(scores[best], prepend=np.float32(np.inf)) != 0
            lowest = np.minimum.reduceat(dealt, np.flatnonzero(new))
            result[best] = _descending(np.minimum.accumulate(lowest))[np.cumsum(new) - 1]
    return result


def _finite(
    scores: NDArray[np.float32], edges: NDArray[np.int64], offset: int, text: str
) -> NDArray[np.int64]:
    """Units of a document that have a score of their own."""
    first, end = np.searchsorted(edges, [offset, offset + len(text)])
    units: NDArray[np.int64] = first + np.flatnonzero(np.isfinite(scores[first:end]))
    return units


def _odd(prompt: Prompt, edges: NDArray[np.int64], offset: int, text: str) -> NDArray[np.bool_]:
    """Units of a document that are in a record unlike its others, ``(U,)``, by their edges."""
    records = prompt.layout.records
    own = records[(records[:, 0] >= offset) & (records[:, 1] <= offset + len(text))]
    own = own[odd_ones(text, own - offset)]
    at = np.searchsorted(own[:, 0], edges[1:], "left") - 1
    return (at >= 0) & (edges[:-1] < np.append(own[:, 1], 0)[at])


def _with_company(
    best: NDArray[np.int64],
    lengths: NDArray[np.int64],
    followers: NDArray[np.int64],
    company: Company | None,
) -> NDArray[np.int64]:
    """Characters that come with each of the units ``best``, the best first, that had not come.

    ``company``: ``None`` if what comes in company counts for itself.
    """
    unknown = len(lengths)
    rank = np.full(unknown, unknown)
    rank[best] = np.arange(len(best))
    comes = rank.copy()
    if company is not None:
        brings = np.where(company.words & ~company.protected, rank, unknown)
        for part, needed in ((company.clause, company.core), (company.line, company.head)):
            first = np.full(part.max(initial=0) + 1, unknown)
            np.minimum.at(first, part, brings)
            comes = np.where(needed, np.minimum(comes, first[part]), comes)
    if len(followers):
        framed = np.maximum(_least(rank, followers[:, 1:3]), _least(rank, followers[:, 3:5]))
        np.minimum.at(comes, followers[:, 0], framed)
    own = comes < unknown
    return np.bincount(comes[own], lengths[own], minlength=len(best)).astype(np.int64)


def _least(values: NDArray[np.int64], ranges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the least of ``values`` in each half-open range ``(n, 2)``; of none, their number.

    Of two ranges of a power of two, which cover it, whatever overlaps.
    """
    sizes = ranges[:, 1] - ranges[:, 0]
    level = np.frexp(np.maximum(sizes, 0))[1] - 1  # the largest power of two in it; -1: empty
    found = np.full(len(ranges), len(values))
    of_power = values
    for power in range(int(level.max(initial=-1)) + 1):
        now = level == power
        start, end = ranges[now, 0], ranges[now, 1] - (1 << power)
        found[now] = np.minimum(of_power[start], of_power[end])
        of_power = np.minimum(of_power[: -(1 << power)], of_power[1 << power :])
    return found


@dataclass(frozen=True, eq=False)
class Curve:
    """What the best characters of a text are worth, ``worth`` ``(n,)`` up to each ``reach``."""

    worth: NDArray[np.float32]
    reach: NDArray[np.int64]

    @classmethod
    def of(cls, scores: NDArray[np.float32], lengths: NDArray[np.int64]) -> Curve:
        """Lay the best units first; those without a score are left out."""
        scored = np.flatnonzero(np.isfinite(scores))
        order = scored[np.argsort(-scores[scored], kind="stable")]
        return cls(scores[order], np.cumsum(lengths[order]))

    @classmethod
    def joined(cls, curves: Sequence[Curve]) -> Curve:
        """Return that of several texts taken for one."""
        lengths = [np.diff(curve.reach, prepend=0) for curve in curves]
        return cls.of(np.concatenate([curve.worth for curve in curves]), np.concatenate(lengths))

    def at(self, share: NDArray[np.float64]) -> NDArray[np.float32]:
        """Worth of what stands at these shares of the text; of its end beyond it."""
        if not len(self.worth):
            return np.full(len(share), -np.inf, dtype=np.float32)
        found = np.searchsorted(self.reach, share * self.reach[-1] - 1e-6)
        worth: NDArray[np.float32] = self.worth[np.minimum(found, len(self.worth) - 1)]
        return worth


def _descending(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lower values that ascend or stay the same by the least that makes them descend."""
    finite = np.isfinite(values)
    bits = np.ascontiguousarray(values[finite]).view(np.int32).astype(np.int64)
    # As whole numbers in the order of the floats: those below zero count backwards.
    whole = np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    steps = np.arange(len(whole))
    whole = np.minimum.accumulate(whole + steps) - steps
    bits = np.where(whole < 0, (-whole) | -0x80000000, whole).astype(np.int32)
    result = values.copy()
    result[finite] = bits.view(np.float32)
    return result
