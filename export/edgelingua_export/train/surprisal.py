"""Labels from a causal language model: what it did not see coming is to be kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgelingua.scorers import PerplexityScorer
from edgelingua.text.boundaries import words
from edgelingua_export.train.labels import Example, Mark, groups

MOST = 0.9
"""Label of the word that surprises most: nobody said that it is needed."""


def labelled(examples: Iterable[Example], scorer: PerplexityScorer) -> Iterator[Example]:
    """Yield the examples with labels from the scorer in place of their own.

    Text alone: the surprisal of each word, as in Selective Context (Li et al. 2023,
    arXiv:2310.06201). With a question: how much less a word surprises behind the question than
    without it (contrastive perplexity, LongLLMLingua, Jiang et al. 2024, arXiv:2310.06839). The
    words of a group's texts are ranked together: they compete for one budget.
    """
    for members in groups(examples):
        spans = [words(member.text) for member in members]
        values = [_telling(scorer, m, s) for m, s in zip(members, spans, strict=True)]
        edges = np.cumsum([len(part) for part in values])[:-1]
        ranked = np.split(soft_labels(np.concatenate(values)), edges)
        for member, its, labels in zip(members, spans, ranked, strict=True):
            marks = tuple(
                Mark(start, end, float(label))
                for (start, end), label in zip(its.tolist(), labels, strict=True)
            )
            yield replace(member, marks=marks)


def soft_labels(surprisal: NDArray[np.floating]) -> NDArray[np.float32]:
    """Labels of words ``(W,)`` from their surprisal ``(W,)`` in nats.

    A label is `MOST` times the square of the share of the words that surprise less: a third is kept
    on average, and how surprising they are as a whole plays no part.
    """
    if not len(surprisal):
        return np.zeros(0, dtype=np.float32)
    rank = np.argsort(np.argsort(surprisal, kind="stable"), kind="stable")
    labels: NDArray[np.float32] = (MOST * ((rank + 0.5) / len(rank)) ** 2).astype(np.float32)
    return labels


def _telling(
    scorer: PerplexityScorer, example: Example, spans: NDArray[np.int64]
) -> NDArray[np.float64]:
    values = _nats(scorer, "", example.text, spans)
    if example.question:
        values = values - _nats(scorer, f"{example.question}\n", example.text, spans)
    return values


def _nats(
    scorer: PerplexityScorer, before: str, text: str, spans: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Surprisal ``(W,)`` of the words ``spans`` of ``text`` behind ``before``: of all their tokens.

    A token belongs to the word in which it ends: a space in front is part of it.
    """
    scored = scorer.score(before + text)
    ends = scored.spans[:, 1] - 1 - len(before)
    inside = ends >= 0
    word = np.searchsorted(spans[:, 1], ends[inside], side="right")
    known = word < len(spans)  # white space behind the last word
    return np.bincount(
        word[known], weights=scored.scores[inside][known], minlength=len(spans)
    ).astype(np.float64)
