"""Sentences as units of their own: where they stand in a text, and which tokens they have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelingua.text.boundaries import sentences
from edgelingua.text.ranges import Spans, as_spans


def sentence_spans(text: str) -> Spans:
    """Sentences without the white space behind them, blank ones left out: int64 ``(n, 2)``."""
    found = [(a, a + len(text[a:b].rstrip())) for a, b in sentences(text).tolist()]
    spans = as_spans(found)
    return spans[spans[:, 1] > spans[:, 0]]


def sentence_tokens(sentences: Spans, tokens: Spans) -> NDArray[np.int64]:
    """Where the tokens ``(T, 2)`` of each sentence ``(n, 2)`` begin, and the end: ``(n + 1,)``.

    A token belongs to the sentence that it starts in.
    """
    begins = np.searchsorted(tokens[:, 0], sentences[:, 0])
    return np.append(begins, len(tokens)).astype(np.int64)
