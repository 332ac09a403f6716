"""What every scorer guarantees of any text: those of all methods, and all that are public."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import edgelingua.scorers
from edgelingua.bundle.manifest import Task
from edgelingua.compressors import METHODS, load_compressor
from edgelingua.scores import Scorer, Unit
from tests.conftest import TEXTS

QUESTION = "How much gold did the tribunal award?"
WINDOWED = [1, 61, 500]
"""Words: within a window of the tiny models, about as long as one, and of several."""


@pytest.fixture(scope="module")
def scorers(bundles: dict[Task | None, Path | None]) -> dict[str, Scorer]:
    return {
        name: load_compressor(name, bundles[method.task]).scorer for name, method in METHODS.items()
    }


def test_every_public_scorer_is_that_of_a_method(scorers: dict[str, Scorer]) -> None:
    public = {getattr(edgelingua.scorers, name) for name in edgelingua.scorers.__all__}
    assert public <= {type(scorer) for scorer in scorers.values()}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("text", [*TEXTS.values(), ""], ids=[*TEXTS, "empty"])
def test_scores_of_any_text(scorers: dict[str, Scorer], method: str, text: str) -> None:
    found = scorers[method].score(text, QUESTION)
    spans = found.spans
    assert spans.shape == (len(spans), 2)
    assert found.scores.shape == found.starts.shape == (len(spans),)
    assert found.scores.dtype == np.float32
    assert found.starts.dtype == np.bool_
    assert (spans[:, 0] < spans[:, 1]).all(), "no empty token"
    assert (spans[:-1, 1] <= spans[1:, 0]).all(), "ascending, none over another"
    assert ((spans >= 0) & (spans <= len(text))).all()
    assert np.isfinite(found.scores).all()
    assert found.unit in get_args(Unit)
    if found.unit == "P(keep)":
        assert ((found.scores >= 0) & (found.scores <= 1)).all()
    again = scorers[method].score(text, QUESTION)
    np.testing.assert_array_equal(again.scores, found.scores)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", WINDOWED)
def test_texts_of_any_length_are_scored_to_their_end(
    scorers: dict[str, Scorer], method: str, size: int
) -> None:
    text = " ".join(f"word{number}" for number in range(size))
    told: list[tuple[int, int]] = []
    found = scorers[method].score(text, QUESTION, lambda *pair: told.append(pair))
    assert found.spans[-1, 1] == len(text)
    done = [one for one, _ in told]
    assert done == sorted(done)
    assert all(one <= whole for one, whole in told)


@pytest.mark.parametrize("method", METHODS)
def test_a_scorer_counts_tokens(scorers: dict[str, Scorer], method: str) -> None:
    count = scorers[method].count
    assert count("") == 0
    assert 1 <= count("gold") <= count("gold and silver")
