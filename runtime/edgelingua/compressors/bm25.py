"""Whole sentences by BM25: the lexical baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgelingua.budget import Count
from edgelingua.compressors.parts.lexical import bm25_scores
from edgelingua.compressors.parts.token_pruner import TokenPruner
from edgelingua.errors import InputError
from edgelingua.scores import Progress, TokenScores
from edgelingua.selection.units import Rules
from edgelingua.text.boundaries import count_words
from edgelingua.text.sentences import sentence_spans


@dataclass(frozen=True)
class Bm25Scorer:
    """BM25 (Okapi) of each sentence for the question; terms are words without their capitals.

    Where they are not of Latin letters, runs of their letters too.
    """

    @property
    def count(self) -> Count:
        """Words: there is no tokenizer here."""
        return count_words

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        """Score sentences; each is one token.

        Raises
        ------
        InputError
            There is no question.
        MissingExtraError
            rank_bm25 is not installed.
        """
        if not question:
            raise InputError("this method ranks sentences by the question: the prompt needs one")
        spans = sentence_spans(text)
        scores = bm25_scores([text[a:b] for a, b in spans.tolist()], question, "okapi")
        return TokenScores(
            spans, np.asarray(scores, dtype=np.float32), np.ones(len(spans), dtype=bool), "rank"
        )


def make() -> TokenPruner:
    """Keep the sentences that share the most telling words with the question."""
    return TokenPruner(Bm25Scorer(), rules=Rules(guard=False, rank_records=False))
