"""Retention: does what answers the question survive?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from benchmarks.quality.sets import found
from numpy.typing import NDArray

from edgelingua.compressed import Compressed
from edgelingua.text.boundaries import words

RATES = (0.5, 0.33, 0.2, 0.1, 0.05)
"""Share of the context's tokens that may stay, counted by the reader."""


def survives(compressed: Compressed, answers: Sequence[str]) -> bool:
    """Whether some answer stands whole, in one piece, in what was kept of the contexts."""
    starts, ends = compressed.spans[:, 0], compressed.spans[:, 1]
    for answer in answers:
        for start, end in found(_contexts(compressed), answer):
            if ((starts <= start) & (end <= ends)).any():
                return True
    return False


def recall(compressed: Compressed, evidence: Sequence[str]) -> float:
    """Share of the words of all sentences of evidence that were kept; NaN if there are none."""
    text = _contexts(compressed)
    spans = words(text)
    wanted = np.zeros(len(spans), dtype=bool)
    for sentence in evidence:
        at = text.find(sentence)
        if at >= 0:
            wanted |= (spans[:, 1] > at) & (spans[:, 0] < at + len(sentence))
    if not wanted.any():
        return float("nan")
    return float(inside(spans[wanted], compressed.spans).mean())


def _contexts(compressed: Compressed) -> str:
    """The prompt's text up to where its question begins."""
    return compressed.prompt.text[: compressed.prompt.layout.compressible[1]]


def inside(spans: NDArray[np.int64], kept: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which character ranges lie in one of the ``kept`` ones, which ascend: bool ``(n,)``."""
    at = np.searchsorted(kept[:, 1], spans[:, 1])
    starts = np.append(kept[:, 0], np.iinfo(np.int64).max)[at]
    within: NDArray[np.bool_] = starts <= spans[:, 0]
    return within
