"""From token scores to the text that fits the budget."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Budget, Count
from edgelingua.compressed import Compressed, Reason, join
from edgelingua.errors import BudgetError
from edgelingua.prompt import Prompt
from edgelingua.scores import Spans, TokenScores, Unit, pool
from edgelingua.text import BLANKS, cuttable, graphemes


@dataclass(frozen=True, eq=False)
class Units:
    """A prompt cut into pieces that are kept or dropped whole.

    ``edges`` ``(U + 1,)`` ascending character offsets that tile the text; ``scores`` ``(U,)``;
    ``protected`` ``(U,)`` bool, to be kept; ``refused`` ``(U,)`` bool, not to be chosen.
    ``separators`` ``(n, 3)``: a unit that is kept if any of the units from the second number up to
    the third is.
    """

    edges: NDArray[np.int64]
    scores: NDArray[np.float32]
    protected: NDArray[np.bool_]
    refused: NDArray[np.bool_]
    separators: NDArray[np.int64]

    def above(self, threshold: float | None) -> Units:
        """Refuse what scores below ``threshold`` and is not protected."""
        if threshold is None:
            return self
        refused = self.refused | (~self.protected & (self.scores < threshold))
        return replace(self, refused=refused)


def units_of(prompt: Prompt, scored: dict[int, TokenScores], whole_words: bool) -> Units:
    """Cut a prompt into units.

    A unit is a word (or a single token) with the white space before it, so that dropping it leaves
    well-spaced text. One that holds a protected character is protected whole: half a word or
    number beside a pin would say something else.

    Parameters
    ----------
    scored
        Scores of parts of ``prompt.text``, by their character offset.
    whole_words
        Units are words; else single tokens.
    """
    text = prompt.text
    ends = [np.zeros(1, dtype=np.int64)]
    for offset, token_scores in scored.items():
        starts = token_scores.starts if whole_words else np.ones_like(token_scores.starts)
        # Cut behind a token, not before the next one: the gap between goes with what follows it.
        ends.append(token_scores.spans[:-1, 1][starts[1:]] + offset)
    borders = [0, *prompt.offsets(), len(text)]
    edges = np.unique(np.concatenate([_snap(np.concatenate(ends), text), borders]))
    edges = edges.astype(np.int64)

    # No token of its own: white space beside a border, or what the tokenizer ignores. Goes first.
    scores = np.full(len(edges) - 1, -np.inf, dtype=np.float32)
    for offset, token_scores in scored.items():
        if len(token_scores.spans):
            unit_of_token = np.searchsorted(edges, token_scores.spans[:, 0] + offset, "right") - 1
            begins = np.flatnonzero(np.diff(unit_of_token, prepend=-1))
            pooled = pool(token_scores.scores, begins, token_scores.unit)
            scores[unit_of_token[begins]] = pooled
    protected = np.logical_or.reduceat(prompt.protected(), edges[:-1])
    separators = _separators(prompt, edges)
    refused = np.zeros_like(protected)
    refused[separators[:, 0]] = True
    scores[separators[:, 0]] = -np.inf
    return Units(edges, scores, protected, refused, separators)


def _separators(prompt: Prompt, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    offsets = [*prompt.offsets(), len(prompt.text)]
    found = [
        np.searchsorted(edges, offsets[index : index + 3])
        for index, segment in enumerate(prompt.segments[:-1])
        if segment.role == "separator" and segment.text
    ]
    return np.asarray(found, dtype=np.int64).reshape(-1, 3)


def fit(prompt: Prompt, units: Units, room: Room, score_unit: Unit) -> Compressed:
    """Keep the protected units and the best others, as many as the budget allows.

    The units stand in one ranking (ties: the earlier one first), of which a prefix is kept. The
    result never exceeds the budget, and one more unit would. Counting is not monotone (two pieces
    may merge into one token), so the prefix is a crossing point: the same for the same budget, and
    never shorter for a larger one.

    Raises
    ------
    BudgetError
        What is protected, whole words where only a part is, exceeds the budget.
    """
    tokens_in, limit, count = room.tokens_in, room.limit, room.count
    candidates = np.flatnonzero(~units.protected & ~units.refused)
    ranking = candidates[np.argsort(-units.scores[candidates], kind="stable")]

    def kept_after(best: int) -> NDArray[np.bool_]:
        kept = units.protected.copy()
        kept[ranking[:best]] = True
        for separator, start, end in units.separators.tolist():
            kept[separator] = kept[start:end].any()
        return kept

    def size(best: int) -> int:
        return count(join(prompt.text, _runs(kept_after(best), units.edges)))

    fits, overflows = len(ranking), len(ranking) + 1
    tokens_out = too_many = tokens_in if kept_after(fits).all() else size(fits)
    if tokens_out > limit:
        fits, overflows = 0, len(ranking)
        tokens_out = size(0)
        _refuse_above(limit, tokens_out)
    probes = 0
    while overflows - fits > 1:
        middle = _between(fits, overflows, (limit - tokens_out) / (too_many - tokens_out), probes)
        probes += 1
        middle_size = size(middle)
        if middle_size <= limit:
            fits, tokens_out = middle, middle_size
        else:
            overflows, too_many = middle, middle_size

    kept = kept_after(fits)
    reasons = np.where(kept, Reason.KEPT, Reason.DROPPED)
    reasons[units.protected] = Reason.PROTECTED
    return Compressed(
        prompt=prompt,
        spans=_runs(kept, units.edges),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        limit=limit,
        units=np.stack([units.edges[:-1], units.edges[1:]], axis=1),
        scores=np.where(units.protected, np.float32(np.nan), units.scores),
        reasons=reasons.astype(np.int8),
        score_unit=score_unit,
    )


_BLOCK = 64
"""Units. So many more always count more, so one block alone holds the crossing, however found."""

_GUESSES = 4


def _between(fits: int, overflows: int, share: float, probes: int) -> int:
    """Where between two prefixes to count next; counting is what fitting costs.

    First the block that holds the crossing is guessed at, from how far (``share``) the limit lies
    between the two counts. Inside it, where counting is not monotone, the steps are the same for
    every limit: that is why a larger one never keeps less.
    """
    low, high = fits // _BLOCK, -(-overflows // _BLOCK)
    if high - low <= 1:
        return (fits + overflows) // 2
    guess = low + round((share if probes < _GUESSES else 0.5) * (high - low))
    return min(max(guess, low + 1), high - 1) * _BLOCK


@dataclass(frozen=True)
class Room:
    """Tokens of a prompt, the most of them that may be kept, and what counts them."""

    tokens_in: int
    limit: int
    count: Count


def room_for(prompt: Prompt, budget: Budget, count: Count) -> Room:
    """Return the room that a budget leaves; ``count`` is for budgets that bring none.

    Cheap beside scoring, so a hopeless budget is refused before the text is scored.

    Raises
    ------
    BudgetError
        The rate leaves less than one token, or the protected text alone exceeds the budget.
    """
    count = budget.count or count
    tokens_in = count(prompt.text)
    limit = budget.limit(tokens_in)
    if limit < 1:
        raise BudgetError(
            f"rate {budget.rate} of {tokens_in} tokens is less than one token: raise the rate"
        )
    edges = np.arange(len(prompt.text) + 1, dtype=np.int64)
    _refuse_above(limit, count(join(prompt.text, _runs(prompt.protected(), edges))))
    return Room(tokens_in, limit, count)


def _refuse_above(limit: int, protected: int) -> None:
    if protected > limit:
        raise BudgetError(
            f"the protected text has {protected} tokens, {protected - limit} more than the "
            f"budget of {limit}: raise the budget or protect less"
        )


def _runs(kept: NDArray[np.bool_], edges: NDArray[np.int64]) -> Spans:
    """Character ranges of the maximal runs of kept units."""
    change = np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8))
    return np.stack([edges[np.flatnonzero(change == 1)], edges[np.flatnonzero(change == -1)]], 1)


def _snap(edges: NDArray[np.int64], text: str) -> NDArray[np.int64]:
    """Move cuts before blanks and out of graphemes; leave out those that `cuttable` forbids."""
    blank = np.asarray([character in BLANKS for character in text] + [False])
    solid = np.flatnonzero(~blank)
    # The solid character before each edge; a cut goes right behind it.
    before = np.searchsorted(solid, edges) - 1
    moved = np.where(before >= 0, solid[before] + 1, 0)
    whole = graphemes(text)
    snapped = whole[np.searchsorted(whole, moved)]
    return snapped[cuttable(text)[snapped]]
