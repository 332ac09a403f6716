"""Windows over long texts: cut by what stands there, and no jump where two of them meet."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua import Budget, Prompt
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressors import load_compressor
from edgelingua.models import registry
from edgelingua.ort.session import RunOptions
from edgelingua.scorers import ClassifierScorer
from edgelingua.scorers.seams import seams
from tests.conftest import DOCUMENT

QUESTION = "How much did the tribunal at Geneva award to the United States?"


@pytest.fixture(scope="module")
def mini() -> ClassifierScorer:
    bundle = ModelBundle.open(registry.default_bundle())
    return ClassifierScorer(bundle, options=RunOptions(threads=1))


@given(
    st.integers(0, 2**32),
    st.integers(0, 1500),
    st.integers(1, 300),
    st.sampled_from([2, 9, 30_000]),
)
def test_cuts_tile_any_text(seed: int, length: int, longest: int, vocabulary: int) -> None:
    ids = np.random.default_rng(seed).integers(vocabulary, size=length)
    cuts = seams(ids, longest)
    assert cuts[0] == 0
    assert cuts[-1] == length
    gaps = np.diff(cuts)
    assert ((gaps > 0) & (gaps <= longest)).all()


def test_cutting_a_long_text_takes_little_memory() -> None:
    ids = np.random.default_rng(0).integers(30_000, size=200_000)
    tracemalloc.start()
    try:
        seams(ids, 224)
        assert tracemalloc.get_traced_memory()[1] < 10 * ids.nbytes
    finally:
        tracemalloc.stop()


@given(st.integers(0, 2**32), st.integers(0, 500))
def test_cuts_do_not_depend_on_what_stands_far_before_or_behind(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    text, other = rng.integers(30_000, size=2000), rng.integers(30_000, size=size)
    far, longest = 600, 200
    cuts = np.asarray(seams(text, longest))
    before = np.asarray(seams(np.concatenate([other, text]), longest)) - size
    behind = np.asarray(seams(np.concatenate([text, other]), longest))
    assert cuts[cuts > far].tolist() == before[before > far].tolist()
    assert cuts[cuts < 2000 - far].tolist() == behind[behind < 2000 - far].tolist()


def test_a_text_that_repeats_itself_is_cut_too() -> None:
    for text in (np.zeros(5000, dtype=np.int64), np.tile(np.arange(7), 700)):
        assert np.diff(seams(text, 100)).max() <= 100


@pytest.mark.long
@pytest.mark.parametrize("question", ["", QUESTION])
@settings(max_examples=4, deadline=None)
@given(st.integers(1, 700), st.booleans())
def test_a_word_300_words_from_a_border_does_not_depend_on_it(
    mini: ClassifierScorer, question: str, dropped: int, at_the_end: bool
) -> None:
    """A shorter text is the same text to what stands 300 words away from where it was cut."""
    text = DOCUMENT.read_text(encoding="utf-8")[:9000]
    cut = text.rindex(" ", 0, len(text) - dropped) if at_the_end else text.index(" ", dropped)
    shorter, shift = (text[:cut], 0) if at_the_end else (text[cut:], cut)
    whole, part = mini.score(text, question), mini.score(shorter, question)
    if at_the_end:
        far = part.spans[:, 0] < len(" ".join(shorter.split(" ")[:-300]))
    else:
        far = part.spans[:, 0] > len(" ".join(shorter.split(" ")[:300]))
    assert far.mean() > 0.5
    same = np.searchsorted(whole.spans[:, 0], part.spans[far, 0] + shift)
    np.testing.assert_array_equal(whole.spans[same] - shift, part.spans[far])
    np.testing.assert_allclose(whole.scores[same], part.scores[far], atol=1e-6)


@pytest.mark.parametrize("question", ["", QUESTION])
def test_scores_do_not_jump_where_windows_meet(mini: ClassifierScorer, question: str) -> None:
    """From one token to the next, a border adds a part of what the two windows differ in."""
    tokenizer = mini.tokenizer
    ids = tokenizer.encode(DOCUMENT.read_text(encoding="utf-8")).ids[:1500]
    asked = tokenizer.encode(question).ids if question else None
    room = 254 - (len(asked) + 1 if asked is not None else 0)
    margin = room // 16
    scores = mini.score_ids(ids, question=asked)
    cuts = seams(ids, room - 2 * margin)
    windows = [(max(0, a - margin), min(len(ids), b + margin)) for a, b in pairwise(cuts)]
    seen = [(0, room), *windows[1:-1], (len(ids) - room, len(ids))]
    alone = [
        mini.score_ids(ids[start:end], question=asked)[a - start : b - start]
        for (start, end), (a, b) in zip(seen, windows, strict=True)
    ]
    for (one, (start, _)), (other, (following, _)) in pairwise(zip(alone, windows, strict=True)):
        first = one[following - start :]
        second = other[: len(first)]
        assert len(first) == 2 * margin
        apart = np.abs(first - second).max()
        found = scores[following : following + 2 * margin]
        low, high = np.minimum(first, second), np.maximum(first, second)
        assert ((found >= low - 1e-6) & (found <= high + 1e-6)).all()
        weight = (np.arange(2 * margin) + 0.5) / (2 * margin)
        own = (1 - weight[1:]) * np.diff(first) + weight[1:] * np.diff(second)
        assert np.abs(np.diff(found) - own).max() <= apart / (2 * margin) + 1e-6


@pytest.mark.long
@pytest.mark.parametrize("place", [0.0, 0.21, 0.5, 0.77, 1.0])
def test_an_answer_anywhere_in_a_long_document_is_found(
    mini: ClassifierScorer, place: float
) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    at = 0 if place == 0 else text.find("\n", int(len(text) * place)) % (len(text) + 1)
    fact = "The keeper of the lighthouse of Ardnamurchan was called Elspeth Baird.\n"
    question = "What was the keeper of the lighthouse of Ardnamurchan called?"
    prompt = Prompt.build(text[:at] + fact + text[at:], question=question)
    compressed = load_compressor().compress(prompt, Budget(tokens=60))
    assert "Elspeth Baird" in compressed.text
