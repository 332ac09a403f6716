from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.errors import BundleError, InferenceError, UntrainedModelWarning
from edgelingua.ort.session import RunOptions
from edgelingua.scorers import ClassifierScorer, PerplexityScorer
from edgelingua.scorers.seams import seams
from edgelingua.scores import TokenScores
from tests.bundle.test_bundle import record
from tests.conftest import DOCUMENT, TEXTS


@pytest.fixture(scope="module")
def perplexity(scorer_bundle: ModelBundle) -> PerplexityScorer:
    return PerplexityScorer(scorer_bundle, variant="cpu-fp32")


@pytest.fixture(scope="module", params=["bert_bundle", "xlmr_bundle"])
def classifier(request: pytest.FixtureRequest) -> ClassifierScorer:
    return ClassifierScorer(request.getfixturevalue(request.param), variant="cpu-fp32")


@pytest.fixture(scope="module")
def document() -> str:
    return DOCUMENT.read_text(encoding="utf-8")


def test_windows_agree_with_one_pass_where_they_see_as_much(
    scorer_bundle: ModelBundle, document: str
) -> None:
    whole = PerplexityScorer(scorer_bundle, variant="cpu-fp32", window=512)
    windowed = PerplexityScorer(scorer_bundle, variant="cpu-fp32", window=101)
    ids = whole.tokenizer.encode(document).ids[:250]
    first = windowed.score_ids(ids)
    np.testing.assert_allclose(first[:100], whole.score_ids(ids)[:100], atol=2e-3)
    # The second window starts 25 tokens before what it scores.
    again = whole.score_ids(ids[75:175])[25:]
    np.testing.assert_allclose(first[100:175], again, atol=2e-3)


def test_texts_longer_than_the_model_are_scored_whole(
    perplexity: PerplexityScorer, document: str
) -> None:
    seen: list[tuple[int, int]] = []
    scores = perplexity.score(document, progress=lambda done, total: seen.append((done, total)))
    assert len(scores.scores) > 1500
    assert np.isfinite(scores.scores).all()
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_every_token_is_classified_with_text_on_both_sides(
    classifier: ClassifierScorer, document: str
) -> None:
    ids = classifier.tokenizer.encode(document).ids[:200]
    keep = classifier.score_ids(ids)
    assert keep.shape == (200,)
    assert ((keep > 0) & (keep < 1)).all()
    margin = 62 // 16
    first, last = (seams(ids, 62 - 2 * margin)[i] for i in (1, -2))
    alone = classifier.score_ids(ids[:62])
    np.testing.assert_allclose(keep[: first - margin], alone[: first - margin], atol=1e-4)
    alone = classifier.score_ids(ids[-62:])
    behind = 200 - last - margin
    np.testing.assert_allclose(keep[-behind:], alone[-behind:], atol=1e-4)


@pytest.mark.parametrize("size", [1, 2, 61, 62, 63, 64, 108, 109, 110, 155])
def test_sizes_around_the_window(classifier: ClassifierScorer, document: str, size: int) -> None:
    ids = classifier.tokenizer.encode(document).ids[:size]
    assert (classifier.score_ids(ids) > 0).all()


@pytest.mark.parametrize("size", [1, 2, 127, 128, 129, 510, 511, 512, 513])
def test_sizes_around_chunk_and_window(
    perplexity: PerplexityScorer, document: str, size: int
) -> None:
    ids = perplexity.tokenizer.encode(document).ids[:size]
    assert (perplexity.score_ids(ids) > 0).all()


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("bundle", ["scorer_bundle", "bert_bundle", "xlmr_bundle"])
def test_spans_are_valid_in_every_language(
    bundle: str, language: str, request: pytest.FixtureRequest
) -> None:
    text = TEXTS[language]
    opened: ModelBundle = request.getfixturevalue(bundle)
    scorer = PerplexityScorer if opened.manifest.task == "scorer" else ClassifierScorer
    scores = scorer(opened).score(text)
    starts, ends = scores.spans.T
    assert (starts < ends).all()
    assert (ends[:-1] <= starts[1:]).all()
    assert starts[0] >= 0
    assert ends[-1] <= len(text)
    missed = set(range(len(text))) - {i for a, b in scores.spans.tolist() for i in range(a, b)}
    # White space, and marks and invisible characters that a normalizer strips.
    assert all(unicodedata.category(text[i])[0] in "ZCM" for i in missed), missed
    assert scores.scores.dtype == np.float32


def test_pieces_of_one_character_become_one_token() -> None:
    spans = np.asarray([[0, 1], [0, 1], [1, 3], [2, 3], [3, 3], [3, 4]])
    scores = TokenScores.from_pieces(spans, np.arange(6.0), np.ones(6, dtype=bool), "nats")
    assert scores.spans.tolist() == [[0, 1], [1, 3], [3, 4]]
    assert scores.scores.tolist() == [1.0, 5.0, 5.0]
    mean = TokenScores.from_pieces(spans, np.arange(6.0), np.ones(6, dtype=bool), "P(keep)")
    assert mean.scores.tolist() == [0.5, 2.5, 5.0]


def test_a_bundle_for_another_task_is_refused(
    scorer_bundle: ModelBundle, bert_bundle: ModelBundle
) -> None:
    with pytest.raises(BundleError, match="a scorer bundle, but a classifier is needed"):
        ClassifierScorer(scorer_bundle)
    with pytest.raises(BundleError, match="a classifier bundle, but a scorer is needed"):
        PerplexityScorer(bert_bundle)


def test_an_untrained_head_warns_when_it_is_used(bert_bundle: ModelBundle) -> None:
    untrained = replace(bert_bundle, manifest=replace(bert_bundle.manifest, trained=False))
    scorer = ClassifierScorer(untrained)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scorer.score_ids(np.asarray([5, 6]))  # parity and speed
    with pytest.warns(UntrainedModelWarning, match="untrained"):
        scorer.score("A text.")


def test_a_graph_that_fails_only_when_run_is_caught_on_load(
    scorer_bundle: ModelBundle, copy_of: Callable[[ModelBundle], Path]
) -> None:
    """A kernel nobody has: the file is a fine ONNX model with the right names."""
    import onnx

    folder = copy_of(scorer_bundle)
    path = folder / scorer_bundle.variant().file
    model = onnx.load(path)
    victim = next(n for n in model.graph.node if n.op_type == "Gather")
    victim.op_type = "NoSuchOperator"
    onnx.save(model, path)
    record(folder, path.name)
    broken = ModelBundle.open(folder)
    with pytest.raises(InferenceError, match="onnxruntime cannot"):
        PerplexityScorer(broken)


def test_a_device_that_does_not_exist(scorer_bundle: ModelBundle) -> None:
    with pytest.raises(InferenceError, match="'tpu': expected one of auto, cpu, qnn"):
        PerplexityScorer(scorer_bundle, options=RunOptions(device="tpu"))  # type: ignore[arg-type]


def test_what_is_appended_counts_as_read(perplexity: PerplexityScorer, document: str) -> None:
    ids = perplexity.tokenizer.encode(document).ids[:400]
    read, appended = perplexity.reading(), perplexity.reading()
    read.read(ids[:300])
    appended.append(ids[:130])
    appended.append(ids[130:300])
    assert len(read) == len(appended)
    np.testing.assert_allclose(appended.peek(ids[300:]), read.peek(ids[300:]), atol=1e-4)
    np.testing.assert_allclose(appended.read(ids[300:]), read.read(ids[300:]), atol=1e-4)


def test_a_window_shorter_than_the_model(bert_bundle: ModelBundle, document: str) -> None:
    short = ClassifierScorer(bert_bundle, variant="cpu-fp32", window=34)
    long = ClassifierScorer(bert_bundle, variant="cpu-fp32")
    ids = long.tokenizer.encode(document).ids[:60]
    # Two windows of 32 tokens, of which four are in both.
    found, first, second = (short.score_ids(ids), *map(long.score_ids, (ids[:32], ids[28:])))
    np.testing.assert_allclose(found[:28], first[:28], atol=1e-4)
    np.testing.assert_allclose(found[32:], second[4:], atol=1e-4)
