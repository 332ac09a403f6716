from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.text import boundaries as text_module
from edgelingua.text.boundaries import count_words, cuttable, interior, sentences, words
from edgelingua.text.ranges import LONGEST_WORD
from tests.conftest import TEXTS

BUNDLES = ["scorer_bundle", "bert_bundle", "xlmr_bundle"]


def pieces(text: str) -> list[str]:
    at = [i for i, allowed in enumerate(cuttable(text)) if allowed]
    return [text[a:b] for a, b in itertools.pairwise(at)]


@pytest.mark.parametrize(
    "whole",
    [
        "$15,500,000",
        "3.14",
        "5%",
        "12:30",
        "e\u0301",
        "👨‍👩‍👧‍👦",
        "🇩🇪",
        "👍🏽",
        "ते",
        "1️⃣",
        "\r\n",
    ],
)
def test_never_cut_inside(whole: str) -> None:
    assert whole in pieces(f"ab {whole} cd")


def test_compounds_and_brackets_do_not_run_together() -> None:
    text = "don't well-known (ever)"
    for joint in ("n't", "l-k", "(e"):
        assert joint in pieces(text)


def test_words_keep_numbers_and_compounds_whole() -> None:
    text = "Mr. O'Neil paid 1,234.50 on 2026-11-21 (well-known). 你好"
    found = [text[a:b] for a, b in words(text)]
    assert found == ["Mr", ".", "O'Neil", "paid", "1,234.50", "on", "2026-11-21", "(",
                     "well-known", ")", ".", "你", "好"]  # fmt: skip
    assert count_words(text) == len(found)


def test_sentences_tile_the_text() -> None:
    text = 'He said "No." Then 3.14! 你好。世界？\n\nNew line\nend'
    found = [text[a:b] for a, b in sentences(text)]
    assert "".join(found) == text
    assert found[:4] == ['He said "No." ', "Then 3.14! ", "你好。", "世界？\n\n"]


def test_the_day_of_a_german_date_ends_no_sentence() -> None:
    text = "Sie können bis zum 20. März widersprechen. Am 12. Februar kamen 5. Mai kam 1."
    found = [text[a:b] for a, b in sentences(text)]
    assert found[0] == "Sie können bis zum 20. März widersprechen. "
    text = "There were 12. Marching on, they sang."
    assert len(sentences(text)) == 2


@given(st.text(max_size=200))
def test_boundaries_hold_on_any_text(text: str) -> None:
    allowed = cuttable(text)
    assert len(allowed) == len(text) + 1
    assert allowed[0]
    assert allowed[-1]
    spans = words(text).tolist()
    assert all(a < b for a, b in spans)
    assert all(b <= c for (_, b), (c, _) in itertools.pairwise(spans))
    assert "".join(text[a:b] for a, b in sentences(text)) == text


@pytest.mark.parametrize("bundle", BUNDLES)
@pytest.mark.parametrize("language", TEXTS)
def test_tokens_lie_in_the_text(bundle: str, language: str, request: pytest.FixtureRequest) -> None:
    text = TEXTS[language]
    encoding = request.getfixturevalue(bundle).tokenizer().encode(text)
    assert len(encoding.ids) == len(encoding.spans) == len(encoding.starts) > 0
    assert (encoding.spans >= 0).all()
    assert (encoding.spans <= len(text)).all()
    assert encoding.starts[0]


def test_a_tokenizer_does_not_truncate_or_pad(bert_bundle: ModelBundle) -> None:
    tokenizer = bert_bundle.tokenizer()
    assert tokenizer.count("gold") < 16
    assert tokenizer.count("gold and silver " * 100) > 300


def test_word_starts_by_scheme(scorer_bundle: ModelBundle, bert_bundle: ModelBundle) -> None:
    text = "unquestionably (so)"
    for bundle in (scorer_bundle, bert_bundle):
        encoding = bundle.tokenizer().encode(text)
        starting = [text[a:b].strip()[0] for (a, b), s in
                    zip(encoding.spans.tolist(), encoding.starts, strict=True) if s]  # fmt: skip
        assert starting[0] == "u"
        assert "".join(starting[1:]) in ("(s)", "()")


@given(
    st.text(st.sampled_from("ab9_ .,:/'-@&\n\t")) | st.text(st.sampled_from("a9 .’-漢กé\u0301½🙂"))
)
@example("a" * LONGEST_WORD + " " + "b-" * LONGEST_WORD + "b")
@example("")
def test_what_goes_on_a_word_is_what_the_regular_expression_says(text: str) -> None:
    compounds = text_module._pieces(text_module._compounds, text)
    short = compounds[compounds[:, 1] - compounds[:, 0] <= LONGEST_WORD]
    assert (text_module.inside_compound(text) == interior(short, len(text))).all()
