"""Segments that are served first: with a rate or a floor of their own, and instructions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Budget, Count
from edgelingua.prompt import Prompt
from edgelingua.selection.choose import choose
from edgelingua.selection.kept import best_first, joined
from edgelingua.selection.statements import statements
from edgelingua.selection.units import Units

_TRIED = 8
"""Statements that are tried behind one that does not fit."""


@dataclass(frozen=True, eq=False)
class Unasked:
    """An instruction as if no question was asked, which says nothing about what a rule is worth.

    ``units``: of its text alone. ``floor``: the share of its tokens that it keeps at least.
    """

    units: Units
    floor: float


def settled(
    prompt: Prompt, units: Units, count: Count, rate: float, unasked: Mapping[int, Unasked]
) -> Units:
    """Choose for the segments that have a rate of their own, or a floor.

    The rest of those with a rate is refused.

    Parameters
    ----------
    rate
        Of the whole: an instruction's floor.
    unasked
        Instructions, by their offset, that are chosen from as if no question was asked.
    """
    for offset, segment in prompt.layout.segments:
        rules = segment.role == "instruction" and segment.compressible
        floor = segment.floor
        if floor is None and rules:
            floor = unasked[offset].floor if offset in unasked else rate
        own = floor if segment.rate is None else segment.rate
        if not own or not segment.text:
            continue
        limit = Budget(rate=min(1.0, own)).limit(count(segment.text))
        part = units.part(offset, segment.text)
        alone = segment.rate is not None
        if offset in unasked:
            apart = unasked[offset].units
            every = slice(0, len(apart.scores))
            chosen = _settled(segment.text, apart, every, limit, count, rules=True)
            at = np.searchsorted(apart.edges, units.edges[part] - offset, "right") - 1
            first = chosen[at]
        else:
            first = _settled(prompt.text, units, part, limit, count, rules=rules)
        units = _with_first(units, part, first & ~units.protected[part], alone=alone)
    return units


def _with_first(units: Units, part: slice, own: NDArray[np.bool_], *, alone: bool) -> Units:
    """Serve some units of a part first; ``alone``: and no others of it."""
    first, refused = units.first.copy(), units.refused.copy()
    first[part] = own
    refused[part] = (refused[part] | (alone & ~units.protected[part])) & ~own
    return replace(units, first=first, refused=refused)


def _settled(
    text: str, units: Units, part: slice, limit: int, count: Count, *, rules: bool
) -> NDArray[np.bool_]:
    """Choose the best of some units, as many as fit ``limit`` tokens, one at least: a mask.

    ``rules``: statement by statement.
    """
    protected = units.protected[part]
    candidates = np.flatnonzero(~protected & ~units.refused[part])
    ranking = candidates[best_first(units, candidates + part.start)]
    company = units.company.part(part)
    lengths = np.diff(units.edges[part.start : part.stop + 1])

    def with_chosen(chosen: Sequence[NDArray[np.int64]]) -> NDArray[np.bool_]:
        kept = np.zeros(len(lengths), dtype=bool)
        for some in chosen:
            kept[some] = True
        return kept

    def size(*chosen: NDArray[np.int64]) -> int:
        standing = np.zeros_like(units.protected)
        standing[part] = company.complete(protected | with_chosen(chosen))
        return count(joined(text, units, units.standing(standing)))

    chosen: list[NDArray[np.int64]] = []
    if rules and company.words.any():
        bodies, rest = statements(ranking, lengths, company, units.negates[part])
        chosen = _whole(bodies, lengths, size, limit)
        if chosen and len(chosen) < len(bodies):
            return with_chosen(chosen)
        ranking = rest if chosen else ranking
    fits = choose(lambda best: size(*chosen, ranking[:best]), lengths[ranking], limit)[0]
    return with_chosen([*chosen, ranking[: max(fits, 0 if chosen or protected.any() else 1)]])


def _whole(
    bodies: Sequence[NDArray[np.int64]],
    lengths: NDArray[np.int64],
    size: Callable[..., int],
    limit: int,
) -> list[NDArray[np.int64]]:
    """Return the first statements that fit, and of the next ones those that do."""
    sizes = np.asarray([lengths[body].sum() for body in bodies], dtype=np.int64)
    fits = choose(lambda best: size(*bodies[:best]), sizes, limit)[0]
    chosen = list(bodies[:fits])
    for body in bodies[fits + 1 : fits + 1 + _TRIED]:
        if size(*chosen, body) <= limit:
            chosen.append(body)
    return chosen
