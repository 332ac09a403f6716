"""Ranking documents and sentences, as llmlingua 0.2.2 does."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from rank_bm25 import BM25Okapi

from tests.oracle.losses import TextLosses

_HINT = " We can get the answer to this question in the given documents."


def rank(
    losses: TextLosses, texts: Sequence[str], question: str, method: str, condition: str
) -> list[int]:
    """Return the indices of texts, the most relevant first.

    Parameters
    ----------
    losses
        Judges texts where the method is ``llmlingua`` or ``longllmlingua``.
    texts, question
        What to rank, and for what.
    method
        One of `edgelingua.compat.options.LOCAL_RANKS`.
    condition
        ``none``, ``before`` or ``after``.
    """
    if method in _LEXICAL:
        return _LEXICAL[method](texts, question)
    worth = [losses.mean(text, question + _HINT, condition) for text in texts]
    return by_loss(worth, condition)


def by_loss(worth: Sequence[float], condition: str) -> list[int]:
    """Rank by loss: the highest first where no question is involved, else the lowest."""
    direction = -1 if condition == "none" else 1
    return sorted(range(len(worth)), key=lambda index: direction * worth[index])


def _bm25(texts: Sequence[str], question: str) -> list[int]:
    scores = BM25Okapi([text.split(" ") for text in texts]).get_scores(question.split(" "))
    order: list[int] = (-scores).argsort().tolist()
    return order


def _gzip(texts: Sequence[str], question: str) -> list[int]:
    """Rank by normalized compression distance (Jiang et al. 2022, arXiv:2212.09410)."""
    distances = []
    alone = _packed(question)
    for text in texts:
        size = _packed(text)
        distances.append((_packed(f"{text} {question}") - min(size, alone)) / max(size, alone))
    order: list[int] = np.argsort(distances).tolist()
    return order


def _packed(text: str) -> int:
    return len(gzip.compress(text.encode()))


_LEXICAL: Mapping[str, Callable[[Sequence[str], str], list[int]]] = {
    "bm25": _bm25,
    "gzip": _gzip,
}
