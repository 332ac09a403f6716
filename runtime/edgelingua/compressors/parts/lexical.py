"""Words that texts share with a question, weighed by BM25."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import MissingExtraError
from edgelingua.text.boundaries import words
from edgelingua.text.languages import other_letters


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
    if not has_bm25():
        raise MissingExtraError("rank-bm25", "bm25")


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
