"""TokenScores, what every scorer returns, and Scorer, what every scorer is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Count
from edgelingua.text.ranges import LONGEST_WORD, Spans

Unit = Literal["nats", "P(keep)", "rank"]


@dataclass(frozen=True, eq=False)
class TokenScores:
    """How much each token of a text is worth keeping.

    Parameters
    ----------
    spans
        Shape ``(T, 2)``: character ranges of the text; non-empty, ascending, not overlapping.
        Characters between two spans (white space, mostly) belong to no token.
    scores
        Shape ``(T,)``, float32, higher = keep.
    starts
        Shape ``(T,)``, bool: the token begins a word.
    unit
        What the scores measure. Over the tokens of a word, information (``"nats"``) adds up,
        ``"P(keep)"`` is averaged, and a ``"rank"`` is that of the best.
    """

    spans: Spans
    scores: NDArray[np.float32]
    starts: NDArray[np.bool_]
    unit: Unit

    @classmethod
    def from_pieces(
        cls,
        spans: Spans,
        scores: NDArray[np.floating],
        starts: NDArray[np.bool_],
        unit: Unit,
    ) -> TokenScores:
        """Scores of tokenizer pieces, with what is not a character range of its own folded away.

        A byte-level tokenizer cuts one character into several pieces that all report that
        character's range; they become one token. A piece with an empty range (a lone space marker)
        has nothing to keep and goes.
        """
        real = spans[:, 1] > spans[:, 0]
        spans, scores, starts = spans[real], scores[real], starts[real]
        if len(spans) == 0:
            return cls(spans, scores.astype(np.float32), starts, unit)
        # Pieces may share a character's end (" \xf0", "\x9f…"): a new token starts past all so far.
        reach = np.maximum.accumulate(spans[:, 1])
        first = np.concatenate([[True], spans[1:, 0] >= reach[:-1]])
        begins = np.flatnonzero(first)
        last = np.append(begins[1:], len(spans)) - 1
        merged = np.stack([spans[begins, 0], reach[last]], axis=1)
        return cls(merged, pool(scores, begins, unit), starts[begins], unit)._without_giants()

    def _without_giants(self) -> TokenScores:
        """Cut tokens that no word is as long as (an unknown-word token can span a megabyte)."""
        sizes = self.spans[:, 1] - self.spans[:, 0]
        if sizes.max(initial=0) <= LONGEST_WORD:
            return self
        parts = -(-sizes // LONGEST_WORD)
        whole = np.repeat(np.arange(len(sizes)), parts)
        number = np.arange(len(whole)) - np.repeat(np.cumsum(parts) - parts, parts)
        begins = self.spans[whole, 0] + number * LONGEST_WORD
        spans = np.stack([begins, np.minimum(begins + LONGEST_WORD, self.spans[whole, 1])], axis=1)
        return TokenScores(spans, self.scores[whole], self.starts[whole] | (number > 0), self.unit)


def pool(
    scores: NDArray[np.floating], begins: NDArray[np.integer], unit: Unit
) -> NDArray[np.float32]:
    """Score of each run of tokens; runs begin at the indices ``begins`` (first: 0)."""
    if unit == "rank":
        return np.maximum.reduceat(scores.astype(np.float32), begins)
    total = np.add.reduceat(scores.astype(np.float64), begins)
    if unit == "P(keep)":
        total /= np.diff(np.append(begins, len(scores)))
    return total.astype(np.float32)


Progress = Callable[[int, int], None]
"""Called with (tokens done, tokens in all) while a text is scored."""


def part_of(progress: Progress | None, part: int, parts: int) -> Progress | None:
    """Progress of the ``part``-th, from 0, of ``parts`` runs that take equally long."""
    if progress is None:
        return None
    return lambda done, total: progress(part * total + done, parts * total)


class Scorer(Protocol):
    """Scores a text. Owns windows and batching; knows no budget."""

    @property
    def count(self) -> Count:
        """Counts tokens the way this scorer's own tokenizer does."""
        ...

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        """Score every token of ``text``, in the light of ``question`` where the scorer can."""
        ...
