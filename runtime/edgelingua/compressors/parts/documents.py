"""The coarse step of the LLMLingua family: which documents or sentences are worth their tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgelingua.scorers.perplexity import PerplexityScorer

RESTRICTION = " We can get the answer to this question in the given documents."
"""Appended to the question while texts are ranked (LongLLMLingua, section 4.1)."""


def relevance(
    scorer: PerplexityScorer, texts: Sequence[NDArray[np.int64]], question: str = ""
) -> NDArray[np.float64]:
    """How much each text is worth, from its token ids: ``(n,)``, higher = keep.

    With a question, how well the text predicts it: the negative mean NLL of the question given the
    text (LongLLMLingua). Without one, the mean NLL of the text itself (LLMLingua): what the model
    knows already can go.
    """
    if not question:
        return np.asarray([scorer.score_ids(ids).mean() for ids in texts], dtype=np.float64)
    asked = scorer.tokenizer.encode("\n\n" + question + RESTRICTION).ids
    return np.asarray([-question_nll(scorer, ids, asked)[1] for ids in texts], dtype=np.float64)


def question_nll(
    scorer: PerplexityScorer, ids: NDArray[np.int64], asked: NDArray[np.int64]
) -> tuple[NDArray[np.float32], float]:
    """NLL of each token of a text, and mean NLL of the question's tokens ``asked`` after it."""
    nll = scorer.score_ids(np.concatenate([ids, asked]))
    return nll[: len(ids)], float(nll[len(ids) :].mean())


def arranged(ranking: Sequence[int], order: str) -> list[int]:
    """Put documents, given in rank order, into the order of the output; see `DocumentFilter`."""
    if order == "original":
        return sorted(ranking)
    return [*ranking[::2], *ranking[1::2][::-1]] if order == "two_stage" else list(ranking)


def choose(worth: NDArray[np.float64], sizes: Sequence[int], budget: float) -> list[int]:
    """Take texts in descending order of worth until their sizes reach ``budget``, at least one.

    Returns
    -------
    list of int
        Indices in rank order; the text that reaches the budget is included.
    """
    chosen = []
    for index in np.argsort(-worth, kind="stable").tolist():
        chosen.append(index)
        budget -= sizes[index]
        if budget <= 0:
            break
    return chosen
