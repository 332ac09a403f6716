"""Random words: the baseline that every method must beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgelingua.budget import Count
from edgelingua.compressors.parts.token_pruner import TokenPruner
from edgelingua.scores import Progress, TokenScores
from edgelingua.selection.units import Rules
from edgelingua.text.boundaries import count_words, words


@dataclass(frozen=True)
class RandomScorer:
    """Scores words at random; the same ``seed`` and text give the same scores."""

    seed: int = 0

    @property
    def count(self) -> Count:
        """Words: there is no tokenizer here."""
        return count_words

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        """Draw a uniform score in ``[0, 1)`` for each word; the question is not used."""
        spans = words(text)
        scores = np.random.default_rng(self.seed).random(len(spans), dtype=np.float32)
        return TokenScores(spans, scores, np.ones(len(spans), dtype=bool), "rank")


def make(seed: int = 0) -> TokenPruner:
    """Keep random words."""
    return TokenPruner(RandomScorer(seed), rules=Rules(guard=False, rank_records=False))
