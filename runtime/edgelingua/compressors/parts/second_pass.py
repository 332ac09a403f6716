"""Texts scored one by one in the light of a question, and again with what was found in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from edgelingua.budget import Count
from edgelingua.scores import Progress, Scorer, TokenScores
from edgelingua.text.boundaries import count_words, sentences

_LONGEST = 64
"""Tokens of a question with its clue: what the shipped classifiers were trained with."""

_TITLE = 12
"""Words of the longest first line that is a title."""


class EachScorer(Scorer, Protocol):
    """A scorer that several texts can be given to at once, and scores each as it would alone."""

    def score_each(
        self, texts: Sequence[str], question: str = "", progress: Progress | None = None
    ) -> list[TokenScores]:
        """Score each text for itself."""
        ...


def score_all(
    scorer: EachScorer, texts: Mapping[int, str], question: str, progress: Progress | None
) -> dict[int, TokenScores]:
    """Score each text for itself."""
    scored = scorer.score_each(list(texts.values()), question, progress)
    return dict(zip(texts, scored, strict=True))


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
    clue = text[start:end].strip()
    title, _, rest = text.lstrip().partition("\n")
    titled = count_words(title) <= _TITLE and start >= len(text) - len(rest)
    return f"{title.rstrip()}: {clue}" if titled and rest else clue


def with_clue(question: str, clue: str, longest: int, count: Count) -> str:
    """Put a clue behind a question, as in training.

    *Where was the director of X born? X: X is a film by Y.* What is longer than ``longest`` tokens,
    or than questions were in training, loses the clue's end.
    """
    room = min(longest, _LONGEST)
    pieces = clue.split()[:room]  # a word takes a token at least
    fitting = bisect_right(
        range(1, len(pieces) + 1), room, key=lambda n: count(" ".join([question, *pieces[:n]]))
    )
    return " ".join([question, *pieces[:fitting]])


def larger(one: TokenScores, other: TokenScores) -> TokenScores:
    """Return the larger of two scores of each token of one text."""
    return replace(one, scores=np.maximum(one.scores, other.scores))
