"""Sentences in their context: which windows they are read in, and what comes out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua import parity
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.errors import BundleError, InputError
from edgelingua.scorers.encoder import SentenceEncoder, _windows
from edgelingua.text.sentences import sentence_spans, sentence_tokens
from tests.conftest import DOCUMENT, TEXTS


@pytest.fixture(scope="module")
def encoder(sentence_bundle: ModelBundle) -> SentenceEncoder:
    return SentenceEncoder(sentence_bundle)


@given(st.lists(st.integers(0, 90), max_size=40), st.integers(2, 60))
def test_each_sentence_is_read_once_with_its_context(sizes: list[int], room: int) -> None:
    edges = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    taken = 0
    for seen, first, last in _windows(edges, room):
        assert first == taken < last, "every sentence once, in order"
        assert seen.start <= edges[first] <= edges[last] <= seen.stop
        assert seen.stop - seen.start <= max(room, sizes[first])
        taken = last
        if last < len(sizes) and last > first + 1:
            assert seen.stop - edges[last] >= room // 6, "context behind"
    assert taken == len(sizes)


def test_a_vector_is_the_mean_of_the_states_of_its_tokens(encoder: SentenceEncoder) -> None:
    text = "The tribunal met. It awarded gold."
    found, encoding = encoder.encode(text), encoder.tokenizer.encode(text)
    assert [text[a:b] for a, b in found.spans.tolist()] == ["The tribunal met.", "It awarded gold."]
    (states,) = encoder._states([encoding.ids])
    edges = sentence_tokens(found.spans, encoding.spans)
    for vector, start, end in zip(found.vectors, edges[:-1], edges[1:], strict=True):
        mean = states[start:end].mean(axis=0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-5)


def test_the_context_is_part_of_the_meaning(encoder: SentenceEncoder) -> None:
    one, other = (encoder.encode(f"{said} It awarded gold.") for said in ("He lost.", "They won."))
    assert not np.allclose(one.vectors[1], other.vectors[1], atol=1e-3)
    again = encoder.encode("He lost. It awarded gold.")
    np.testing.assert_array_equal(one.vectors, again.vectors)


@pytest.mark.parametrize("text", [*TEXTS.values(), "", " \n ", "word " * 300])
def test_texts_of_any_kind_and_length(encoder: SentenceEncoder, text: str) -> None:
    found = encoder.encode(text)
    assert found.vectors.shape == (len(sentence_spans(text)), encoder.width)
    lengths = np.linalg.norm(found.vectors, axis=1)
    assert np.allclose(lengths, 1, atol=1e-5), "each has a token"


def test_what_lies_far_away_is_not_seen(encoder: SentenceEncoder) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")[:3000]
    one, other = encoder.encode(text), encoder.encode(text + " Something else entirely.")
    np.testing.assert_array_equal(one.vectors[:5], other.vectors[:5])


def test_a_question_is_a_vector_of_length_one(encoder: SentenceEncoder) -> None:
    assert np.linalg.norm(encoder.encode_question("How much gold?")) == pytest.approx(1)
    assert encoder.encode_question("gold " * 500).shape == (encoder.width,)
    with pytest.raises(InputError, match="needs one"):
        encoder.encode_question("  ")


def test_another_kind_of_bundle_is_refused(bert_bundle: ModelBundle) -> None:
    with pytest.raises(BundleError, match="a classifier bundle, but a encoder is needed"):
        SentenceEncoder(bert_bundle)


def test_a_bundle_of_an_encoder_is_verified(sentence_bundle: ModelBundle) -> None:
    results = parity.verify(sentence_bundle.folder)
    assert set(results) == {"cpu-int8", "cpu-fp32"}
    assert not any(result.failures for result in results.values())
