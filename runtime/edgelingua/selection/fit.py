"""From token scores to the text that fits the budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Budget, Count
from edgelingua.compressed import Compressed, Reason, join
from edgelingua.errors import BudgetError, InputError, described
from edgelingua.prompt import Prompt
from edgelingua.scores import Unit
from edgelingua.selection.choose import choose, extend
from edgelingua.selection.pins import pinned_tokens, within_shares
from edgelingua.selection.units import Units
from edgelingua.system.logs import logger
from edgelingua.text.ranges import Spans

_log = logger(__name__)


def fit(prompt: Prompt, units: Units, room: Room, score_unit: Unit) -> Compressed:
    """Keep the protected units and the best others, as many as the budget allows.

    The units stand in one ranking (ties: a negation first, then the earlier one), of which the best
    are kept with the company they need (`Company`). The result never exceeds the budget, and the
    next unit with its company would. Where that leaves much of the budget, as long units and
    company do, it is passed over; records of machine text are tried one by one for what is left.

    Raises
    ------
    BudgetError
        What is protected, whole words where only a part is, exceeds the budget.
    """
    limit, count = room.limit, room.count
    units = _settle_rates(prompt, units, count, limit / max(1, room.tokens_in))
    candidates = np.flatnonzero(~units.protected & ~units.refused)
    ranking = candidates[_best_first(units, candidates)]

    def with_company(chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
        kept = units.protected.copy()
        kept[chosen] = True
        kept = units.standing(units.company.complete(kept))
        standing = np.flatnonzero(kept)
        number = units.repeated[standing]
        kept[standing[1:][(number[1:] == number[:-1]) & (number[1:] >= 0)]] = False
        return kept

    def size(best: int, *more: int) -> int:
        kept = with_company(np.append(ranking[:best], np.asarray(more, dtype=np.int64)))
        return room.tokens_in if kept.all() else count(_joined(prompt.text, units, kept))

    lengths, passed = np.diff(units.edges), np.zeros(0, dtype=np.int64)
    fits, tokens_out = choose(size, lengths[ranking], limit)
    # A baseline without a guard is what it says: the first words, the best sentences.
    for _ in range(_PASSED_OVER if units.company.words.any() else 0):
        if fits == len(ranking) or limit - tokens_out <= max(_LITTLE, _SPARE * limit):
            break
        passed = np.append(passed, ranking[fits])
        gone = np.isin(ranking, _with_marks(units, ranking[fits]))
        gone |= units.company.leads.fellows(ranking[fits], ranking)
        gone[:fits] = False
        ranking = ranking[~gone]
        behind = partial(_behind, size, fits)
        more_fit, tokens_out = extend(behind, len(ranking) - fits, limit, tokens_out)
        fits += more_fit
    if units.gap and tokens_out > limit:  # there is no room for marks between what must stay
        return fit(prompt, replace(units, gap=""), room, score_unit)
    _refuse_above(limit, tokens_out)
    rest = ranking[fits + 1 :]
    more: list[int] = []
    # What was passed over may fit, now that what it needs has come with something else.
    for unit in [*passed.tolist(), *rest[units.fills[rest]][:_FILLING].tolist()]:
        if lengths[unit] > _LONGEST_TOKENS * (limit - tokens_out):
            continue
        alone = count(prompt.text[units.edges[unit] : units.edges[unit + 1]])
        if alone <= limit - tokens_out and (tokens := size(fits, *more, unit)) <= limit:
            more.append(unit)
            tokens_out = tokens
    chosen = np.append(ranking[:fits], np.asarray(more, dtype=np.int64))
    kept = with_company(chosen)
    reasons = np.where(kept, Reason.KEPT, Reason.DROPPED)
    reasons[units.protected & kept] = Reason.PROTECTED
    _log.info("%d tokens became %d, at most %d", room.tokens_in, tokens_out, limit)
    return Compressed(
        prompt=prompt,
        spans=_runs(kept, units.edges),
        tokens_in=room.tokens_in,
        tokens_out=tokens_out,
        limit=limit,
        units=np.stack([units.edges[:-1], units.edges[1:]], axis=1),
        scores=_shown_scores(prompt, units, chosen, kept),
        reasons=reasons.astype(np.int8),
        score_unit=score_unit,
        gap=units.gap,
        gaps=_gaps(units, kept),
    )


_FILLING = 64
"""Records that are tried for the room that is left."""
_LONGEST_TOKENS = 10
"""Characters of a token, on average, where they are longest."""
_PASSED_OVER = 8
"""Units that do not fit, at most, behind which others are chosen."""
_LITTLE, _SPARE = 1, 0.05
"""Tokens, and share of a budget, that may stay empty."""


def _behind(size: Callable[[int], int], first: int, more: int) -> int:
    """Return the tokens of the ``first`` best units and so many ``more``."""
    return size(first + more)


def _with_marks(units: Units, unit: int) -> NDArray[np.int64]:
    """Return a unit and the marks right behind it, which do not stay without it."""
    end = unit + 1
    if units.company.words[unit]:
        words = np.flatnonzero(units.company.words[end:])
        end = end + int(words[0]) if len(words) else len(units.scores)
    return np.arange(unit, end)


def _best_first(units: Units, candidates: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the order in which candidates are chosen."""
    keys = (~units.negates, -units.scores, ~units.first)
    return np.lexsort([key[candidates] for key in keys])


def _shown_scores(
    prompt: Prompt, units: Units, chosen: NDArray[np.int64], kept: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Scores as they are shown: what came as company is level with the last that was chosen."""
    segment = np.searchsorted(prompt.layout.edges, units.edges[:-1], "right")
    lowest = np.full(len(prompt.layout.edges) + 1, -np.inf, dtype=np.float32)
    lowest[segment[chosen]] = np.inf
    np.minimum.at(lowest, segment[chosen], units.scores[chosen])
    company = kept & ~units.protected
    company[chosen] = False
    company[units.followers[:, 0]] = False
    scores = np.where(company, np.maximum(units.scores, lowest[segment]), units.scores)
    return np.where(units.protected, np.float32(np.nan), scores)


def _settle_rates(prompt: Prompt, units: Units, count: Count, rate: float) -> Units:
    """Choose for the segments that have a rate of their own, or a floor.

    The rest of those with a rate is refused. ``rate``: of the whole, an instruction's floor.
    """
    for offset, segment in prompt.layout.segments:
        floor = segment.floor
        if floor is None and segment.role == "instruction" and segment.compressible:
            floor = rate
        own = floor if segment.rate is None else segment.rate
        if own and segment.text:
            limit = Budget(rate=min(1.0, own)).limit(count(segment.text))
            part = units.part(offset, segment.text)
            alone = segment.rate is not None
            units = _settle(prompt.text, units, part, limit, count, alone=alone)
    return units


def _settle(
    text: str, units: Units, part: slice, limit: int, count: Count, *, alone: bool
) -> Units:
    """Choose the best of some units, as many as fit ``limit`` tokens, one at least.

    ``alone``: and no others.
    """
    protected = units.protected[part]
    candidates = np.flatnonzero(~protected & ~units.refused[part])
    ranking = candidates[_best_first(units, candidates + part.start)]

    company = units.company.part(part)

    def size(best: int) -> int:
        kept = protected.copy()
        kept[ranking[:best]] = True
        standing = np.zeros_like(units.protected)
        standing[part] = company.complete(kept)
        return count(_joined(text, units, units.standing(standing)))

    lengths = np.diff(units.edges[part.start : part.stop + 1])
    fits = max(choose(size, lengths[ranking], limit)[0], 0 if protected.any() else 1)
    first, refused = units.first.copy(), units.refused.copy()
    first[part][ranking[:fits]] = True
    refused[part][ranking[fits:]] |= alone
    return replace(units, first=first, refused=refused)


@dataclass(frozen=True)
class Room:
    """Tokens of a prompt, the most of them that may be kept, and what counts them.

    ``prompt``: it, without the pins that were let go.
    """

    prompt: Prompt
    tokens_in: int
    limit: int
    count: Count


def room_for(prompt: Prompt, budget: Budget, count: Count) -> Room:
    """Return the room that a budget leaves; ``count`` is for budgets that bring none.

    Cheap beside scoring, so a hopeless budget is refused before the text is scored.

    Raises
    ------
    InputError
        They are something else.
    BudgetError
        The protected text alone exceeds the budget.
    """
    if not isinstance(prompt, Prompt) or not isinstance(budget, Budget):
        raise InputError(
            f"expected a prompt and a budget, got {described(prompt)} and {described(budget)}; "
            "make them with Prompt.build(text) and Budget(tokens=100)"
        )
    if budget.floor is not None:
        raise InputError(
            "a floor is for llmlingua2 with a bundle that reads the question, like edgelingua-mini;"
            " give tokens or a rate"
        )
    count = budget.counter or count
    tokens_in = count(prompt.text)
    if not isinstance(tokens_in, Integral):
        raise InputError(f"count: expected a number of tokens, got {described(tokens_in)}")
    limit = budget.limit(tokens_in)
    if limit < tokens_in:  # the whole fits, even where a part of it has more tokens by itself
        if not budget.strict and pinned_tokens(prompt, count) > limit:
            prompt = within_shares(prompt, limit, count)
        edges = np.arange(len(prompt.text) + 1, dtype=np.int64)
        _refuse_above(limit, count(join(prompt.text, _runs(prompt.layout.protected, edges))))
    return Room(prompt, tokens_in, limit, count)


def _refuse_above(limit: int, protected: int) -> None:
    if protected > limit:
        raise BudgetError(
            f"the protected text has {protected} tokens, {protected - limit} more than the "
            f"budget of {limit}: raise the budget or protect less",
            needed=protected,
        )


def _joined(text: str, units: Units, kept: NDArray[np.bool_]) -> str:
    """What is kept, with the marks between."""
    return join(text, _runs(kept, units.edges), units.gap, _gaps(units, kept))


def _gaps(units: Units, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Where the slices begin that a mark stands before."""
    if not units.gap or units.gaps is None:
        return np.zeros(0, dtype=np.int64)
    return units.edges[units.gaps.at(kept)]


def _runs(kept: NDArray[np.bool_], edges: NDArray[np.int64]) -> Spans:
    """Character ranges of the maximal runs of kept units."""
    change = np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8))
    return np.stack([edges[np.flatnonzero(change == 1)], edges[np.flatnonzero(change == -1)]], 1)
