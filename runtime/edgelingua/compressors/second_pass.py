"""Texts scored one by one in the light of a question, and again with what was found in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgelingua.budget import Count
from edgelingua.scores import Progress, Scorer, TokenScores
from edgelingua.text import count_words, sentences

_LONGEST = 64
"""Tokens of a question with its clue: what the shipped classifiers were trained with."""

_TITLE = 12
"""Words of the longest first line that is a title."""


def score_all(
    scorer: Scorer, texts: Mapping[int, str], question: str, progress: Progress | None
) -> dict[int, TokenScores]:
    """Score each text for itself; ``progress`` counts characters.

    One at a time: an INT8 graph scales its activations over all that it is given at once, so texts
    that share a run would change each other's scores.
    """
    scored: dict[int, TokenScores] = {}
    before, total = 0, sum(map(len, texts.values()))
    for offset, text in texts.items():
        scored[offset] = scorer.score(text, question, _within(progress, before, len(text), total))
        before += len(text)
    return scored


def best_sentence(texts: Mapping[int, str], scored: Mapping[int, TokenScores]) -> str:
    """Return the sentence around the best token of all, after its text's title.

    A first line is a title if it is short.
    """
    offset = max(scored, key=lambda at: scored[at].scores.max(initial=-np.inf))
    scores, text = scored[offset], texts[offset]
    if not len(scores.scores):  # nothing but what the tokenizer ignores
        return ""
    at = scores.spans[scores.scores.argmax(), 0]
    spans = sentences(text)
    start, end = spans[np.searchsorted(spans[:, 1], at, side="right")].tolist()
    title, clue = text.strip().split("\n")[0].strip(), text[start:end].strip()
    titled = clue != title and count_words(title) <= _TITLE
    return f"{title}: {clue}" if titled else clue


def with_clue(question: str, clue: str, longest: int, count: Count) -> str:
    """Put a clue behind a question, as in training.

    *Where was the director of X born? X: X is a film by Y.* What is longer than ``longest`` tokens,
    or than questions were in training, loses the clue's end.
    """
    pieces = clue.split()
    while pieces and count(" ".join([question, *pieces])) > min(longest, _LONGEST):
        pieces.pop()
    return " ".join([question, *pieces])


def larger(one: TokenScores, other: TokenScores) -> TokenScores:
    """Return the larger of two scores of each token of one text."""
    return replace(one, scores=np.maximum(one.scores, other.scores))


def _within(progress: Progress | None, before: int, size: int, total: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, of: progress(before + size * done // max(1, of), total)
