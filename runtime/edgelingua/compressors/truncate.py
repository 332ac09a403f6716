"""Truncation: keep the beginning. The baseline that everybody has already."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgelingua.budget import Count
from edgelingua.compressors.parts.token_pruner import TokenPruner
from edgelingua.scores import Progress, TokenScores
from edgelingua.selection.units import Rules
from edgelingua.text.boundaries import count_words, words


@dataclass(frozen=True)
class PositionScorer:
    """Scores a word by how early in the text it stands."""

    @property
    def count(self) -> Count:
        """Words: there is no tokenizer here."""
        return count_words

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        """Score from 1 (first word) down to 0 (last); the question is not used."""
        spans = words(text)
        scores = np.linspace(1, 0, len(spans), dtype=np.float32)
        return TokenScores(spans, scores, np.ones(len(spans), dtype=bool), "rank")


def make() -> TokenPruner:
    """Keep the first words."""
    return TokenPruner(PositionScorer(), rules=Rules(guard=False, rank_records=False))
