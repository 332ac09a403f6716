"""Evaluator heads: the arithmetic against plain loops, windows, and bundles that name none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import MANIFEST
from edgelingua.errors import BundleError, InputError
from edgelingua.scorers import PerplexityScorer
from edgelingua.scorers.heads import BundleHeads, HeadScorer
from edgelingua.scorers.looks import LAST, NEIGHBOURS, asking, share, smoothed
from tests.conftest import DOCUMENT

QUESTION = "How much gold did the tribunal award?"


@given(
    arrays(
        np.float32,
        array_shapes(min_dims=3, max_dims=3, max_side=40),
        elements=st.floats(0, 1, width=32),
    )
)
def test_a_share_is_the_mean_of_neighbours_of_means(attention: NDArray[np.float32]) -> None:
    size = attention.shape[2]
    plain = [
        sum(attention[:, :, at].ravel().tolist()) / attention[:, :, at].size for at in range(size)
    ]
    expected = []
    for at in range(size):
        around = plain[max(0, at - NEIGHBOURS // 2) : at + NEIGHBOURS // 2 + 1]
        expected.append(size * sum(around) / len(around))
    np.testing.assert_allclose(share(attention), expected, rtol=1e-4, atol=1e-5)


@given(arrays(np.float64, st.integers(1, 60), elements=st.floats(-9, 9)), st.integers(1, 40))
def test_smoothing_keeps_within_bounds(values: NDArray[np.float64], width: int) -> None:
    means = smoothed(values, width)
    assert means.shape == values.shape
    assert values.min() - 1e-9 <= means.min() <= means.max() <= values.max() + 1e-9


def test_the_early_graph_looks_like_the_whole_one(scorer_bundle: ModelBundle) -> None:
    heads, whole = BundleHeads(scorer_bundle), PerplexityScorer(scorer_bundle)
    ids = whole.tokenizer.encode(DOCUMENT.read_text(encoding="utf-8")).ids[:300]
    np.testing.assert_allclose(heads.attention(ids, 9), whole.attention(ids, 9), atol=1e-6)


def test_scores_are_those_of_the_last_tokens_of_the_question(scorer_bundle: ModelBundle) -> None:
    scorer = HeadScorer.of(scorer_bundle)
    text = "The tribunal awarded $15,500,000 in gold. Nobody objected."
    encoding = scorer.looker.encode(text)
    asked = scorer.looker.encode(asking(QUESTION)).ids
    looked = scorer.looker.attention(np.concatenate([encoding.ids, asked]), LAST)
    expected = share(looked[:, :, : len(encoding.ids)])
    np.testing.assert_array_equal(scorer.score(text, QUESTION).scores, expected)


def test_windows_are_of_equal_length(scorer_bundle: ModelBundle) -> None:
    scorer = HeadScorer.of(scorer_bundle, window=128)
    ends: list[int] = []
    text = DOCUMENT.read_text(encoding="utf-8")[:3000]
    scored = scorer.score(text, QUESTION, lambda done, _: ends.append(done))
    sizes = np.diff([0, *ends])
    assert len(sizes) > 3
    assert sizes.max() - sizes.min() <= 1
    assert scored.spans[-1, 1] == len(text.rstrip())


@pytest.mark.parametrize("words", [1, 30, 3000])
def test_questions_of_any_length(scorer_bundle: ModelBundle, words: int) -> None:
    scored = HeadScorer.of(scorer_bundle).score("Gold was paid.", "why " * words)
    assert np.isfinite(scored.scores).all()


def test_it_needs_a_question(scorer_bundle: ModelBundle) -> None:
    for question in ("", " \n"):
        with pytest.raises(InputError, match="needs a question"):
            HeadScorer.of(scorer_bundle).score("text", question)


def damaged(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    for variant in manifest["variants"].values():
        change(variant)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.mark.parametrize("heads", [[], [[2, 0]], [[-1, 0]], [[0, -1]], [[0, 1 << 20]], [[1, 0]]])
def test_heads_that_are_not_there(
    scorer_bundle: ModelBundle, copy_of: Callable[[ModelBundle], Path], heads: list[list[int]]
) -> None:
    """Of layers that the graph, or the one that is cut short, does not have."""
    folder = damaged(copy_of(scorer_bundle), lambda v: v["attention"].update(heads=heads))
    with pytest.raises(BundleError):
        ModelBundle.open(folder)


def test_a_file_that_is_not_listed(
    scorer_bundle: ModelBundle, copy_of: Callable[[ModelBundle], Path]
) -> None:
    folder = damaged(copy_of(scorer_bundle), lambda v: v["attention"].update(file="../x.onnx"))
    with pytest.raises(BundleError, match="not listed"):
        ModelBundle.open(folder)


def test_without_a_graph_cut_short_the_whole_one_is_asked(
    scorer_bundle: ModelBundle, copy_of: Callable[[ModelBundle], Path]
) -> None:
    folder = damaged(copy_of(scorer_bundle), lambda v: v["attention"].pop("file"))
    whole, short = HeadScorer.of(ModelBundle.open(folder)), HeadScorer.of(scorer_bundle)
    text = DOCUMENT.read_text(encoding="utf-8")[:900]
    np.testing.assert_allclose(
        whole.score(text, QUESTION).scores, short.score(text, QUESTION).scores, atol=1e-4
    )


def test_a_bundle_that_names_no_heads(
    scorer_bundle: ModelBundle, copy_of: Callable[[ModelBundle], Path]
) -> None:
    folder = damaged(copy_of(scorer_bundle), lambda v: v.update(attention=None))
    with pytest.raises(BundleError, match="edgelingua-export heads"):
        HeadScorer.of(ModelBundle.open(folder))
