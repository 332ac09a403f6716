"""Windows that are read beside each other: the same scores as one after the other, to the bit."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua import Budget, Prompt, load_compressor
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import Task
from edgelingua.models import registry
from edgelingua.ort.session import RunOptions
from edgelingua.scorers import ClassifierScorer
from edgelingua.scorers.encoder import SentenceEncoder
from edgelingua.scorers.windows import windows
from edgelingua.system.side_by_side import in_order
from tests.conftest import DOCUMENT

QUESTION = "How much did the tribunal at Geneva award to the United States?"
THREADS = (1, 2, 5)


@pytest.fixture(scope="module")
def readers() -> list[ClassifierScorer]:
    bundle = ModelBundle.open(registry.find_bundle("edgelingua-nano"))
    return [ClassifierScorer(bundle, options=RunOptions(threads=n)) for n in THREADS]


@pytest.mark.parametrize("question", ["", QUESTION])
def test_scores_do_not_depend_on_threads(readers: list[ClassifierScorer], question: str) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    texts = ["", text[:9000], "One line.", text[9000:9700]]
    one, *others = [reader.score_each(texts, question) for reader in readers]
    alone = [readers[0].score(each, question) for each in texts]
    for found in (alone, *others):
        for expected, scores in zip(one, found, strict=True):
            np.testing.assert_array_equal(scores.scores, expected.scores)
            np.testing.assert_array_equal(scores.spans, expected.spans)


def test_decisions_do_not_depend_on_threads(bundles: dict[Task | None, Path | None]) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    prompt = Prompt.build([text[:4000], text[4000:7000]], question=QUESTION)
    for method, bundle in (("llmlingua2", "edgelingua-nano"), ("cpc", bundles["encoder"])):
        one, other = (
            load_compressor(method, bundle, options=RunOptions(threads=n)).compress(
                prompt, Budget(rate=0.2)
            )
            for n in THREADS[:2]
        )
        assert other.text == one.text
        np.testing.assert_array_equal(other.scores, one.scores)


def test_vectors_do_not_depend_on_threads(bundles: dict[Task | None, Path | None]) -> None:
    folder = bundles["encoder"]
    assert folder
    bundle = ModelBundle.open(folder)
    text = DOCUMENT.read_text(encoding="utf-8")[:9000]
    one, *others = [
        SentenceEncoder(bundle, options=RunOptions(threads=n)).encode(text) for n in THREADS
    ]
    for other in others:
        np.testing.assert_array_equal(other.vectors, one.vectors)


@given(st.integers(0, 2**32), st.integers(0, 2000), st.integers(2, 300))
def test_weights_of_every_token_add_up_to_one(seed: int, length: int, room: int) -> None:
    ids = np.random.default_rng(seed).integers(30_000, size=length)
    total = np.zeros(length, dtype=np.float32)
    for window in windows(ids, room):
        read = len(ids[window.seen])
        assert 0 < read <= room
        window.add(np.ones(read, dtype=np.float32), to=total)
    np.testing.assert_allclose(total, 1, atol=1e-6)


@given(st.lists(st.integers(), max_size=30), st.integers(1, 8))
def test_results_come_in_order(items: list[int], threads: int) -> None:
    assert list(in_order(lambda item: item + 1, items, threads)) == [item + 1 for item in items]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("stop", ["closed", "failed"])
def test_what_has_not_begun_is_left_out(threads: int, stop: str) -> None:
    begun: list[int] = []
    before = threading.active_count()

    def work(item: int) -> int:
        begun.append(item)
        if stop == "failed" and item == 1:
            raise ValueError(item)
        return item

    found = in_order(work, range(10_000), threads)
    if stop == "failed":
        with pytest.raises(ValueError, match="1"):
            list(found)
    else:
        with closing(found):
            next(found)
    assert len(begun) < 10_000
    assert threading.active_count() <= before  # others' may end meanwhile
