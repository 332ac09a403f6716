"""How much each of several texts has to do with a question."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edgelingua.compressors.parts.documents import RESTRICTION, question_nll
from edgelingua.errors import MissingExtraError
from edgelingua.scorers.perplexity import PerplexityScorer
from edgelingua.scores import Progress
from edgelingua.text.boundaries import words
from edgelingua.text.languages import other_letters


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


def bm25_scores(
    texts: Sequence[str], question: str, variant: Literal["okapi", "plus"]
) -> NDArray[np.float64]:
    """BM25 of each text for ``question``, ``(n,)``; terms are words without their capitals.

    Raises
    ------
    MissingExtraError
        rank_bm25 is not installed.
    """
    require_bm25()
    from rank_bm25 import BM25Okapi, BM25Plus

    if not texts:
        return np.zeros(0)
    model = {"okapi": BM25Okapi, "plus": BM25Plus}[variant]([_terms(text) for text in texts])
    return np.asarray(model.get_scores(_terms(question)), dtype=np.float64)


def has_bm25() -> bool:
    """Whether rank_bm25 is installed."""
    return find_spec("rank_bm25") is not None


def require_bm25() -> None:
    """Raise `MissingExtraError` where rank_bm25 is not installed."""
    try:
        import rank_bm25  # noqa: F401
    except ImportError:
        raise MissingExtraError("rank-bm25", "bm25") from None


def _compressed_size(text: str) -> int:
    return len(zlib.compress(text.encode()))


_GRAM = 4
_DENSE = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+"
)


def _terms(text: str) -> list[str]:
    """Words; beside them, where they are not of Latin letters, what they are made of.

    Runs of four letters, for words that take endings; of two characters, where there are no blanks
    between words, and in Korean. (McNamee and Mayfield 2004,
    doi:10.1023/B:INRT.0000009441.78971.be)
    """
    text = text.casefold()
    found = [text[a:b] for a, b in words(text).tolist()]
    if text.isascii():
        return found
    spaced = [word for word in found if len(word) > _GRAM and other_letters(word)]
    return found + _grams(spaced, _GRAM) + _grams(_DENSE.findall(text), 2)


def _grams(runs: Sequence[str], size: int) -> list[str]:
    return [run[at : at + size] for run in runs for at in range(len(run) - size + 1)]
