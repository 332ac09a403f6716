"""Texts scored one by one in the light of a question, and again with what was found in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from edgelingua.budget import Count
from edgelingua.scores import Progress, Scorer, TokenScores, part_of
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


@dataclass(frozen=True, eq=False)
class Reading:
    """Texts, by their offset, that a scorer reads one by one in the light of a question.

    ``longest``: tokens of the longest question that it reads.
    """

    scorer: EachScorer
    texts: Mapping[int, str]
    question: str
    longest: int

    def score_all(self, question: str, progress: Progress | None) -> dict[int, TokenScores]:
        """Score each text for itself."""
        scored = self.scorer.score_each(list(self.texts.values()), question, progress)
        return dict(zip(self.texts, scored, strict=True))

    def asked_with(self, clue: str) -> str:
        """Return the question with a clue behind it; the question alone if none fits."""
        return with_clue(self.question, clue, self.longest, self.scorer.count)


def read_twice(reading: Reading, progress: Progress | None) -> dict[int, TokenScores]:
    """Return the larger of two scores of each token: the second time, with the best sentence."""
    first = reading.score_all(reading.question, part_of(progress, 0, 2))
    asked = reading.asked_with(best_sentence(reading.texts, first))
    if asked == reading.question:  # it would find the same again
        if progress:
            total = 2 * sum(len(scores.scores) for scores in first.values())
            progress(total, total)
        return first
    second = reading.score_all(asked, part_of(progress, 1, 2))
    return {offset: larger(scores, second[offset]) for offset, scores in first.items()}


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
    title, body = title_of(text)
    return f"{title}: {clue}" if title and start >= body else clue


def title_of(text: str) -> tuple[str, int]:
    """Return the first line of a text if it is short, and where the rest begins; else nothing."""
    title, _, rest = text.lstrip().partition("\n")
    titled = bool(rest) and count_words(title) <= _TITLE
    return (title.rstrip(), len(text) - len(rest)) if titled else ("", 0)


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
