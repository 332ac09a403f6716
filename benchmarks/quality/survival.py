"""Retention: does what answers the question survive?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.quality.sets import Case, found
from numpy.typing import NDArray

from edgelingua.text import words

RATES = (0.5, 0.33, 0.2, 0.1, 0.05)
"""Share of the words kept, over all the passages of a question together."""


@dataclass(frozen=True, eq=False)
class Target:
    """What of a case's words has to survive.

    ``spans`` int64 ``(n, 2)``: the words of all passages joined by `JOINT`, in characters;
    ``answers``: ranges of words, one of which has to survive whole; ``evidence`` bool ``(n,)``.
    """

    text: str
    spans: NDArray[np.int64]
    answers: tuple[tuple[int, int], ...]
    evidence: NDArray[np.bool_]


JOINT = "\n\n"


def target(case: Case) -> Target:
    """Find the words of a case's answers and evidence."""
    text = JOINT.join(case.passages)
    spans = words(text)
    places = [p for answer in case.answers for p in found(text, answer)]
    answers = tuple(dict.fromkeys(_words_in(spans, *place) for place in places))
    evidence = np.zeros(len(spans), dtype=bool)
    for sentence in case.evidence:
        at = text.find(sentence)
        first, end = _words_in(spans, at, at + len(sentence)) if at >= 0 else (0, 0)
        evidence[first:end] = True
    return Target(text, spans, answers, evidence)


def best(scores: NDArray[np.floating], rate: float) -> NDArray[np.bool_]:
    """Keep the ``rate`` of the words with the highest scores, rounded down; ties: the earlier."""
    kept = np.zeros(len(scores), dtype=bool)
    kept[np.argsort(-scores, kind="stable")[: int(len(scores) * rate)]] = True
    return kept


def survives(kept: NDArray[np.bool_], wanted: Target) -> bool:
    """Whether some answer stands whole in what is kept."""
    return any(bool(kept[first:end].all()) for first, end in wanted.answers)


def recall(kept: NDArray[np.bool_], wanted: Target) -> float:
    """Share of the evidence's words that are kept; NaN where the set names no evidence."""
    return float(kept[wanted.evidence].mean()) if wanted.evidence.any() else float("nan")


def retention(
    scores: Sequence[NDArray[np.floating]], targets: Sequence[Target]
) -> dict[str, dict[str, float]]:
    """Share of the cases whose answer survives, and mean recall of evidence, at each rate."""
    table: dict[str, dict[str, float]] = {}
    for rate in RATES:
        kept = [best(values, rate) for values in scores]
        pairs = list(zip(kept, targets, strict=True))
        row = {}
        if any(t.answers for t in targets):
            row["answer"] = float(np.mean([survives(k, t) for k, t in pairs]))
        if any(t.evidence.any() for t in targets):
            row["evidence"] = float(np.nanmean([recall(k, t) for k, t in pairs]))
        table[str(rate)] = row
    return table


def of_words(
    spans: NDArray[np.int64], token_spans: NDArray[np.int64], scores: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Score of each word: the mean of the tokens that begin in it; -1 for a word without tokens."""
    word = np.searchsorted(spans[:, 1], token_spans[:, 0], side="right")
    word = np.minimum(word, len(spans) - 1)
    total = np.bincount(word, weights=scores, minlength=len(spans))
    count = np.bincount(word, minlength=len(spans))
    return np.where(count, total / np.maximum(count, 1), -1).astype(np.float32)


def _words_in(spans: NDArray[np.int64], start: int, end: int) -> tuple[int, int]:
    first = int(np.searchsorted(spans[:, 1], start, side="right"))
    return first, int(np.searchsorted(spans[:, 0], end, side="left"))
