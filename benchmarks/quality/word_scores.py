"""Scores of words from those of a tokenizer's pieces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def of_words(
    spans: NDArray[np.int64], pieces: NDArray[np.int64], scores: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Mean score of the pieces ``(T, 2)`` that end in each of the words ``spans`` ``(W, 2)``."""
    word = np.searchsorted(spans[:, 1], np.maximum(pieces[:, 1] - 1, 0), side="right")
    word = np.minimum(word, len(spans) - 1)
    count = np.bincount(word, minlength=len(spans))
    mean = np.bincount(word, scores, len(spans)) / np.maximum(count, 1)
    return mean.astype(np.float32)
