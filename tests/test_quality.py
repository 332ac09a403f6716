"""The measure of retention."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from benchmarks.quality.sets import Case, found
from benchmarks.quality.survival import RATES, best, of_words, recall, retention, survives, target
from hypothesis import given
from hypothesis import strategies as st

CASE = Case(
    "Who took the fee?",
    ("It rained. Nobody came.", "Ida Brandt took the fee. Ida left."),
    ("ida brandt",),
    ("Ida Brandt took the fee.",),
)


def test_an_answer_survives_when_all_its_words_do() -> None:
    wanted = target(CASE)
    words = [wanted.text[a:b] for a, b in wanted.spans.tolist()]
    kept = np.asarray([word in {"Ida", "Brandt"} for word in words])
    assert survives(kept, wanted)
    assert not survives(np.asarray([word == "Ida" for word in words]), wanted)
    assert recall(np.ones(len(words), dtype=bool), wanted) == 1
    assert 0 < recall(kept, wanted) < 1


def test_whole_words_only() -> None:
    assert found("An artist; art.", "Art") == [(11, 14)]


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60))
def test_a_lower_rate_keeps_fewer_and_better_words(values: list[float]) -> None:
    scores = np.asarray(values, dtype=np.float32)
    masks = [best(scores, rate) for rate in RATES]
    for rate, mask in zip(RATES, masks, strict=True):
        assert mask.sum() == int(len(scores) * rate)
        if mask.any() and not mask.all():
            assert scores[mask].min() >= scores[~mask].max()
    assert all((low <= high).all() for high, low in pairwise(masks))


def test_perfect_scores_keep_everything_that_counts() -> None:
    wanted = target(CASE)
    scores = wanted.evidence.astype(np.float32)
    table = retention([scores], [wanted])
    assert table["0.5"] == {"answer": 1.0, "evidence": 1.0}
    assert table["0.05"] == {"answer": 0.0, "evidence": 0.0}


def test_a_word_scores_as_its_tokens_do() -> None:
    spans = np.asarray([[0, 4], [5, 8]])
    tokens = np.asarray([[0, 2], [2, 4], [5, 8]])
    assert of_words(spans, tokens, np.asarray([0.2, 0.4, 0.9])).tolist() == [
        np.float32(0.3),
        np.float32(0.9),
    ]
