"""The calibration keeps its promise on questions drawn like those it is made of."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from benchmarks.common.weights import of_bundle
from benchmarks.quality.floor_tables import chosen, interval, share_for, share_needed

from edgelingua.bundle.floors import FILE
from edgelingua.bundle.shipped import shipped_bundles


def rows(rng: np.random.Generator, number: int) -> list[dict[str, object]]:
    """Texts of random scores, whose answer is a unit that the scores like, sometimes none."""
    made: list[dict[str, object]] = []
    for _ in range(number):
        scores = np.sort(rng.beta(0.4, 2, size=int(rng.integers(5, 200))))[::-1]
        at = int(rng.choice(len(scores), p=scores / scores.sum()))
        made.append(
            {"scores": scores.tolist(), "needs": None if rng.random() < 0.01 else scores[at]}
        )
    return made


@pytest.mark.parametrize("chance", [0.8, 0.95])
def test_promised_is_observed(chance: float) -> None:
    rng = np.random.default_rng(0)
    kept = 0
    for _ in range(20):
        share = share_for(chance, {"a": rows(rng, 200), "b": rows(rng, 200)[:99]})
        for row in rows(rng, 200):
            needs = row["needs"]
            kept += isinstance(needs, float) and chosen(row, share) <= needs
    assert kept / (20 * 200) > chance - 0.01


def test_too_few_questions_promise_nothing() -> None:
    few = rows(np.random.default_rng(1), 50)
    assert share_for(0.99, {"a": few}) == 1.0
    assert share_needed({"scores": [0.5, 0.25], "needs": None}) == math.inf
    assert share_needed({"scores": [0.5, 0.25, 0.25], "needs": 0.5}) == 0.5


@pytest.mark.parametrize("name", ["edgelingua-mini", "edgelingua-nano"])
def test_shipped_bundles_were_calibrated_with_the_weights_they_have(name: str) -> None:
    folder = shipped_bundles()[name]
    assert json.loads((folder / FILE).read_text())["weights"] == of_bundle(folder)


def test_wilson() -> None:
    assert interval(95, 100) == pytest.approx((0.888, 0.978), abs=0.001)
    assert interval(10, 10)[1] == pytest.approx(1.0)
