"""From the attention of evaluator heads to scores: the arithmetic of EHPC (arXiv:2501.12959)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import InputError

LAST = 16
"""Tokens at the end whose attention counts: there the model is about to answer."""

NEIGHBOURS = 31
"""Tokens over which attention is averaged: heads look at single tokens, answers stand around."""


def asking(question: str) -> str:
    """Return what is read behind the text.

    Raises
    ------
    InputError
        There is no question.
    """
    if not question.strip():
        raise InputError("evaluator heads look for an answer: the prompt needs a question")
    return f"\n\nQuestion: {question}\nAnswer:"


def share(attention: NDArray[np.float32]) -> NDArray[np.float32]:
    """Attention on each token as a multiple of an equal share, averaged over neighbours: ``(T,)``.

    What goes elsewhere, to the question or to the token that starts a text, is not made up for: in
    a window of a long text that answers nothing, heads mostly look there.

    Parameters
    ----------
    attention
        ``(heads, queries, T)``.
    """
    shares = attention.mean(axis=(0, 1), dtype=np.float64) * attention.shape[2]
    return smoothed(shares).astype(np.float32)


def smoothed(values: NDArray[np.floating], width: int = NEIGHBOURS) -> NDArray[np.floating]:
    """Mean of the ``width`` values around each of ``(…, T)``; of those there are, at the ends."""
    size = values.shape[-1]
    sums = np.cumsum(np.concatenate([np.zeros_like(values[..., :1]), values], axis=-1), axis=-1)
    first = np.maximum(np.arange(size) - width // 2, 0)
    last = np.minimum(np.arange(size) + width // 2 + 1, size)
    means: NDArray[np.floating] = (sums[..., last] - sums[..., first]) / (last - first)
    return means
