"""One text after the other: what a row gets, and what fails."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua import Budget, Prompt
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressors import load_compressor
from edgelingua.corpus import Recipe, Result, RowCompressor
from edgelingua.errors import EdgeLinguaError
from tests.conftest import TEXTS

TRUNCATE = RowCompressor(Recipe(method="truncate", rate=0.3))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_row_gets_what_the_library_makes_of_it(text: str, bert_bundle: ModelBundle) -> None:
    model = str(bert_bundle.folder)
    result = RowCompressor(Recipe(method="llmlingua2", model=model))(text)
    compressor = load_compressor("llmlingua2", model)
    expected = compressor.compress(Prompt.build(text), Budget(rate=0.5))
    assert result.spans is not None
    assert np.array_equal(np.array(result.spans).reshape(-1, 2), expected.spans)
    assert result.text(text) == expected.text
    assert (result.tokens_in, result.tokens_out) == (expected.tokens_in, expected.tokens_out)


@given(text=st.text(max_size=200), question=st.text(max_size=40))
@settings(max_examples=30)
def test_a_question_guides_and_is_no_part_of_what_is_kept(text: str, question: str) -> None:
    result = TRUNCATE(text, question)
    alone = TRUNCATE(text)
    assert (result.error is None) == (alone.error is None) or "surrogate" in str(result.error)
    if result.error is None:
        assert result.spans is not None
        assert result.tokens_in == alone.tokens_in
        flat = [at for span in result.spans for at in span]
        assert flat == sorted(set(flat))
        assert not flat or (flat[0] >= 0 and flat[-1] <= len(text))
        assert result.tokens_in is not None
        if text.strip():
            limit = Budget(rate=0.3).limit(result.tokens_in)
            assert result.tokens_out is not None
            assert result.tokens_out <= limit


def test_a_question_changes_what_is_kept(question_bundle: ModelBundle) -> None:
    compress = RowCompressor(Recipe(rate=0.3, model=str(question_bundle.folder)))
    text = " ".join(TEXTS.values())
    assert compress(text, "What did the tribunal award?").spans != compress(text).spans
    assert compress(text, " \n").spans == compress(text).spans, "a blank question is none"


@pytest.mark.parametrize(
    ("text", "question", "said"),
    [
        (5, None, "expected a text, got 5"),
        (["a"], None, "expected a text, got a list of 1"),
        (b"bytes", None, "expected a text, got a bytes"),
        ("text", 5, "expected a question in text, got 5"),
        ("a\0b", None, "binary input"),
        ("a\ud800b", None, "lone surrogate"),
    ],
)
def test_a_row_that_fails_says_why(text: object, question: object, said: str) -> None:
    result = TRUNCATE(text, question)
    assert result.error is not None
    assert said in result.error
    assert (result.spans, result.tokens_in, result.tokens_out) == (None, None, None)


def test_nothing_stays_nothing() -> None:
    assert TRUNCATE(None) == Result()
    for blank in ("", " \n"):
        result = TRUNCATE(blank)
        assert result.text(blank) == blank
        assert result.tokens_in == result.tokens_out
        assert result.error is None


def test_a_method_that_needs_a_question_says_so_of_a_row_without() -> None:
    pytest.importorskip("rank_bm25")
    compress = RowCompressor(Recipe(method="bm25"))
    assert compress("One. Two. Three.", "Two?").error is None
    assert "needs a question" in str(compress("One. Two. Three.").error)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(method="none"),
        Recipe(rate=2),
        Recipe(tokens=1, rate=0.5),
        Recipe(model="no-such-model"),
        Recipe(method="truncate", count="no-such-file"),
    ],
)
def test_a_recipe_for_nothing_is_refused_at_once(recipe: Recipe) -> None:
    with pytest.raises(EdgeLinguaError):
        RowCompressor(recipe)
