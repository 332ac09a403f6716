"""From token scores to the text that fits the budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from edgelingua.selection.kept import best_first, breaks, gaps, joined, runs
from edgelingua.selection.pins import pinned_tokens, within_shares
from edgelingua.selection.settled import Unasked, settled
from edgelingua.selection.units import Units
from edgelingua.system.logs import logger

_log = logger(__name__)


def fit(
    prompt: Prompt,
    units: Units,
    room: Room,
    score_unit: Unit,
    unasked: Mapping[int, Unasked] | None = None,
) -> Compressed:
    """Keep the protected units and the best others, as many as the budget allows.

    The units stand in one ranking (ties: a negation first, then the earlier one), of which the best
    are kept with the company they need (`Company`). The result never exceeds the budget, and the
    next unit with its company would. Where that leaves much of the budget, as long units and
    company do, it is passed over; records of machine text are tried one by one for what is left.
    ``unasked``: see `settled`.

    Raises
    ------
    BudgetError
        What is protected, whole words where only a part is, exceeds the budget.
    """
    limit, count = room.limit, room.count
    units = settled(prompt, units, count, room.rate, unasked or {})
    candidates = np.flatnonzero(~units.protected & ~units.refused)
    ranking = candidates[best_first(units, candidates)]

    def with_company(chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
        kept = units.protected.copy()
        kept[chosen] = True
        kept = units.standing(units.company.complete(kept))
        kept[units.company.breaks.at(kept)[1]] = False
        standing = np.flatnonzero(kept)
        number = units.repeated[standing]
        kept[standing[1:][(number[1:] == number[:-1]) & (number[1:] >= 0)]] = False
        return kept

    def size(best: int, *more: int) -> int:
        kept = with_company(np.append(ranking[:best], np.asarray(more, dtype=np.int64)))
        return room.tokens_in if kept.all() else count(joined(prompt.text, units, kept))

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
        return fit(prompt, replace(units, gap=""), room, score_unit, unasked)
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
        spans=runs(kept, units.edges),
        tokens_in=room.tokens_in,
        tokens_out=tokens_out,
        limit=limit,
        units=np.stack([units.edges[:-1], units.edges[1:]], axis=1),
        scores=_shown_scores(prompt, units, chosen, kept),
        reasons=reasons.astype(np.int8),
        score_unit=score_unit,
        gap=units.gap,
        gaps=gaps(units, kept),
        breaks=breaks(units, kept),
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


@dataclass(frozen=True)
class Room:
    """Tokens of a prompt, the most of them that may be kept, and what counts them.

    ``prompt``: it, without the pins that were let go. ``protected``: tokens that stay in any case.
    """

    prompt: Prompt
    tokens_in: int
    limit: int
    count: Count
    protected: int

    @property
    def rate(self) -> float:
        """The fraction to keep of what is not protected, at most 1."""
        free = max(1, self.tokens_in - self.protected)
        return min(1.0, max(0, self.limit - self.protected) / free)


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
    limit, protected = budget.limit(tokens_in), 0
    if limit < tokens_in:  # the whole fits, even where a part of it has more tokens by itself
        if not budget.strict and pinned_tokens(prompt, count) > limit:
            prompt = within_shares(prompt, limit, count)
        edges = np.arange(len(prompt.text) + 1, dtype=np.int64)
        protected = count(join(prompt.text, runs(prompt.layout.protected, edges)))
        _refuse_above(limit, protected)
    return Room(prompt, tokens_in, limit, count, protected)


def _refuse_above(limit: int, protected: int) -> None:
    if protected > limit:
        raise BudgetError(
            f"the protected text has {protected} tokens, {protected - limit} more than the "
            f"budget of {limit}: raise the budget or protect less",
            needed=protected,
        )
