"""Which cells of a document stay in a memory: those of the tokens that a scorer puts highest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgelingua.text.boundaries import words
from edgelingua.text.ranges import Spans

if TYPE_CHECKING:
    from edgelingua.scorers.classifier import ClassifierScorer


def word_scores(scorer: ClassifierScorer, text: str, spans: Spans) -> NDArray[np.float32]:
    """Score tokens at ``spans`` ``(T, 2)`` as the words in which their last characters stand.

    A word has the mean P(keep) of the scorer's own pieces of it. No question is asked.
    """
    pieces = scorer.tokenizer.encode(text)
    borders = words(text)
    if not len(borders):
        return np.zeros(len(spans), np.float32)
    of_piece = _word(borders, pieces.spans)
    total = np.bincount(of_piece, scorer.score_ids(pieces.ids), len(borders))
    mean = total / np.maximum(np.bincount(of_piece, minlength=len(borders)), 1)
    return mean[_word(borders, spans)].astype(np.float32)


def chosen(scores: NDArray[np.floating], cells: int, scorer: str) -> NDArray[np.bool_]:
    """Which tokens ``(T,)`` stay: the best ``cells``, or without a scorer every nth.

    The last one always does: llama.cpp goes on behind the last cell that is there.
    """
    kept = np.zeros(len(scores), bool)
    if scorer:
        kept[np.argsort(-scores[:-1], kind="stable")[: cells - 1]] = True
        kept[-1] = True
    else:
        kept[(np.arange(1, cells + 1) * len(scores)) // cells - 1] = True
    return kept


def _word(borders: Spans, spans: Spans) -> NDArray[np.int64]:
    word = np.searchsorted(borders[:, 1], np.maximum(spans[:, 1] - 1, 0), side="right")
    return np.minimum(word, len(borders) - 1)
