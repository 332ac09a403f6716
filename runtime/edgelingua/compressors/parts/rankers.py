"""How much each of several texts has to do with a question."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgelingua.compressors.parts.documents import RESTRICTION, question_nll
from edgelingua.compressors.parts.lexical import bm25_scores, require_bm25
from edgelingua.scorers.perplexity import PerplexityScorer
from edgelingua.scores import Progress


class Ranker(Protocol):
    """Ranks texts by a question."""

    def rank(
        self, texts: Sequence[str], question: str, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return how relevant each text is: ``(n,)``, higher = keep."""
        ...


@dataclass(frozen=True)
class Bm25Ranker:
    """By the words shared with the question: BM25+ (Lv and Zhai 2011, doi:10.1145/2063576.2063584).

    BM25+ and not Okapi: there a word in one of two texts weighs nothing, and one in most of a few
    texts less than nothing; passages of a prompt can be that few.

    Raises
    ------
    MissingExtraError
        rank_bm25 is not installed.
    """

    def __post_init__(self) -> None:
        require_bm25()

    def rank(
        self, texts: Sequence[str], question: str, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return the BM25+ of each text for the question: ``(n,)``; takes next to no time."""
        return bm25_scores(texts, question, "plus")


@dataclass(frozen=True)
class LikelihoodRanker:
    """By the mean NLL of the question behind the text, in nats, negated: the less, the better.

    The coarse step of LongLLMLingua (Jiang et al. 2023, arXiv:2310.06839, section 4.1).
    """

    scorer: PerplexityScorer

    def rank(
        self, texts: Sequence[str], question: str, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return the negated NLL for each text: ``(n,)``; one run of the model per text."""
        asked = self.scorer.tokenizer.encode("\n\n" + question + RESTRICTION).ids
        relevance = np.zeros(len(texts))
        for index, text in enumerate(texts):
            _, loss = question_nll(self.scorer, self.scorer.tokenizer.encode(text).ids, asked)
            relevance[index] = -loss
            if progress:
                progress(index + 1, len(texts))
        return relevance


@dataclass(frozen=True)
class CompressionRanker:
    """By the normalized compression distance to the question, negated (Cilibrasi and Vitányi 2005).

    The distance is that of gzip's algorithm; good for little more than having no model at all.
    """

    def rank(
        self, texts: Sequence[str], question: str, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return the negated distance of each text: ``(n,)``."""
        asked = _compressed_size(question)
        relevance = np.zeros(len(texts))
        for index, text in enumerate(texts):
            alone, both = _compressed_size(text), _compressed_size(f"{text} {question}")
            relevance[index] = -(both - min(alone, asked)) / max(alone, asked)
        return relevance


def _compressed_size(text: str) -> int:
    return len(zlib.compress(text.encode()))
