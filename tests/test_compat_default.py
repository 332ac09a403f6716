"""PromptCompressor without quirks: each test is named after what a user of the reference saw."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from edgelingua.bundle import ModelBundle
from edgelingua.compat import PromptCompressor
from edgelingua.compat.tags import Part, parse
from edgelingua.errors import InputError

from .conftest import DOCUMENT, TEXTS

TEXT = DOCUMENT.read_text(encoding="utf-8")
KEYS = ["compressed_prompt", "origin_tokens", "compressed_tokens", "ratio", "rate", "saving"]


@pytest.fixture(scope="module")
def lm(scorer_bundle: ModelBundle) -> PromptCompressor:
    return PromptCompressor(str(scorer_bundle.folder))


@pytest.fixture(scope="module")
def classifier(bert_bundle: ModelBundle) -> PromptCompressor:
    return PromptCompressor(str(bert_bundle.folder), use_llmlingua2=True)


@pytest.fixture(scope="module", params=["lm", "classifier"])
def either(request: pytest.FixtureRequest) -> PromptCompressor:
    compressor: PromptCompressor = request.getfixturevalue(request.param)
    return compressor


def count(compressor: PromptCompressor, text: str) -> int:
    return compressor._engine.count(text)


def test_results_have_the_keys_people_read(
    lm: PromptCompressor, classifier: PromptCompressor
) -> None:
    result = lm.compress_prompt([TEXT[:800]], instruction="Read.", question="Who?", rate=0.5)
    assert list(result) == KEYS
    assert result["compressed_prompt"].startswith("Read.\n\n")
    assert result["compressed_prompt"].endswith("\n\nWho?")
    assert re.fullmatch(r"\d+\.\dx", result["ratio"])
    assert re.fullmatch(r"\d+\.\d%", result["rate"])
    second = classifier.compress_prompt([TEXT[:800]], rate=0.5, return_word_label=True)
    assert {*KEYS, "compressed_prompt_list", "fn_labeled_original_prompt"} == set(second)
    assert second["compressed_prompt_list"] == [second["compressed_prompt"]]
    labels = [
        line.rsplit(" ", 1) for line in second["fn_labeled_original_prompt"].split("\t\t|\t\t")
    ]
    kept = "".join(word for word, label in labels if label == "1")
    assert "".join(second["compressed_prompt"].split()) == "".join(kept.split())


@pytest.mark.parametrize("rate", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("length", [60, 300, 3000])
def test_the_rate_was_missed_on_short_and_long_prompts(
    either: PromptCompressor, length: int, rate: float
) -> None:
    result = either.compress_prompt([TEXT[:length]], rate=rate)
    tokens = count(either, result["compressed_prompt"])
    assert tokens == result["compressed_tokens"] <= rate * result["origin_tokens"]
    assert tokens >= rate * result["origin_tokens"] - 12


@pytest.mark.parametrize("target", [1, 37, 250])
def test_an_exact_number_of_tokens_was_wanted(either: PromptCompressor, target: int) -> None:
    result = either.compress_prompt([TEXT[:1500], TEXT[1500:2500]], target_token=target)
    assert target - 12 <= count(either, result["compressed_prompt"]) <= target


def test_tails_were_never_compressed(lm: PromptCompressor) -> None:
    result = lm.compress_prompt([TEXT[:1400]], rate=0.5)
    last = TEXT[1400 - 300 : 1400]
    assert last not in result["compressed_prompt"]


@pytest.mark.parametrize("context", ["", " \n", [], [""], ["", "  "], ["x"], [".", "."]])
def test_tiny_and_empty_prompts_crashed(either: PromptCompressor, context: Any) -> None:
    result = either.compress_prompt(context, rate=0.5)
    assert result["compressed_tokens"] <= max(1, result["origin_tokens"])
    structured = either.structured_compress_prompt(context, rate=0.5)
    assert structured["compressed_prompt"].strip() in "".join(context) or context == [".", "."]


@pytest.mark.parametrize("force", [["\n"], ["?", "."], ["tribunal"], ["devastating fire"]])
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_forced_tokens_were_lost(
    classifier: PromptCompressor, force: list[str], rate: float
) -> None:
    result = classifier.compress_prompt([TEXT[:6000]], rate=rate, force_tokens=force)
    for token in force:
        assert result["compressed_prompt"].count(token) == TEXT[:6000].count(token)


def test_forced_tokens_that_do_not_occur_change_nothing(classifier: PromptCompressor) -> None:
    plain = classifier.compress_prompt([TEXT[:900]], rate=0.5)
    assert classifier.compress_prompt([TEXT[:900]], rate=0.5, force_tokens=["☃"]) == plain


def test_digits_were_lost(classifier: PromptCompressor) -> None:
    text = TEXT[:6000]
    result = classifier.compress_prompt([text], rate=0.1, force_reserve_digit=True)
    assert re.findall(r"\d", result["compressed_prompt"]) == re.findall(r"\d", text)


def test_forced_text_above_the_budget_is_kept_with_a_warning(
    classifier: PromptCompressor,
) -> None:
    text = "17 23 99 4 5 6 7 8 9 10 word"
    with pytest.warns(UserWarning, match="kept all the same"):
        result = classifier.compress_prompt([text], rate=0.2, force_reserve_digit=True)
    assert result["compressed_prompt"].strip() == "17 23 99 4 5 6 7 8 9 10"


def test_repeated_forced_marks_can_go(classifier: PromptCompressor) -> None:
    text = "\n".join(["word"] * 40)
    result = classifier.compress_prompt(
        [text], rate=0.4, force_tokens=["\n"], drop_consecutive=True
    )
    assert "\n\n" not in result["compressed_prompt"]
    assert "\n" in result["compressed_prompt"]


@pytest.mark.parametrize("text", [TEXTS["special"], "a <s> b </s> c [CLS] d [MASK] e " * 5])
def test_text_that_looks_like_special_tokens_is_text(
    xlmr_bundle: ModelBundle, bert_bundle: ModelBundle, text: str
) -> None:
    for bundle in (xlmr_bundle, bert_bundle):
        compressor = PromptCompressor(str(bundle.folder), use_llmlingua2=True)
        result = compressor.compress_prompt([text], rate=1.0)
        assert result["compressed_prompt"] == text


@pytest.mark.parametrize("language", TEXTS)
def test_other_languages_were_garbled(either: PromptCompressor, language: str) -> None:
    text = TEXTS[language]
    kept = iter(text)
    result = either.compress_prompt([text], rate=0.6)
    assert all(character in kept for character in result["compressed_prompt"]), "a subsequence"


def test_tags_were_ignored_by_llmlingua2(either: PromptCompressor) -> None:
    low, high, kept = TEXT[:1500], TEXT[1500:3000], "Exactly  this."
    result = either.structured_compress_prompt(
        [
            f"<llmlingua, rate=0.2>{low}</llmlingua><llmlingua, compress=False>{kept}</llmlingua>"
            f"<llmlingua, rate=0.8>{high}</llmlingua>"
        ],
        rate=0.5,
    )
    before, after = result["compressed_prompt"].split(kept)
    assert 0.15 < count(either, before) / count(either, low) <= 0.21
    assert 0.75 < count(either, after) / count(either, high) <= 0.81


def test_a_segment_with_a_smaller_than_sign_vanished(either: PromptCompressor) -> None:
    context = "<llmlingua, compress=False>if a < b and c > d: x</llmlingua> tail of the text"
    result = either.structured_compress_prompt([context], rate=0.5)
    assert "if a < b and c > d: x" in result["compressed_prompt"]
    assert "llmlingua" not in result["compressed_prompt"]


def test_text_between_tags_vanished(either: PromptCompressor) -> None:
    context = "Before. <llmlingua, rate=0.9>Inside of it.</llmlingua> After."
    result = either.structured_compress_prompt([context], rate=1.0)
    assert result["compressed_prompt"].startswith("Before.")
    assert result["compressed_prompt"].endswith("After.")


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ("<llmlingua>a", "never closed"),
        ("a</llmlingua>", "closes a tag that was not opened"),
        ("<llmlingua><llmlingua>a</llmlingua></llmlingua>", "nested"),
        ('<llmlingua, rate="abc">a</llmlingua>', "above 0 and at most 1"),
        ("<llmlingua, rate=1.5>a</llmlingua>", "above 0 and at most 1"),
        ("<llmlingua, rate=0>a</llmlingua>", "above 0 and at most 1"),
        ("<llmlingua, rate=nan>a</llmlingua>", "above 0 and at most 1"),
        ("<llmlingua, compress=no>a</llmlingua>", "no option of a tag"),
        ("<llmlingua, ratio=0.3>a</llmlingua>", "no option of a tag"),
    ],
)
def test_malformed_tags_are_refused(either: PromptCompressor, context: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        either.structured_compress_prompt([context])


def test_tags_are_found_where_they_are() -> None:
    text = (
        "x<llmlingua2>y <llmlingua-x> <llmlingua , compress = False, rate =.5 >a\nb</llmlingua >z"
    )
    assert parse(text) == [
        Part("x<llmlingua2>y <llmlingua-x> "),
        Part("a\nb", 0.5, compress=False),
        Part("z"),
    ]
    assert parse("") == []


def test_commas_inside_json_strings_were_rewritten(either: PromptCompressor) -> None:
    data: dict[str, Any] = {
        "id": 17,
        "note": "one,   two,,  three",
        "long": TEXT[:600] + ' "quoted"\n\\path\\, é, 👍',
        "tags": ["a,  b", TEXT[600:900]],
        "inner": {"deep": [{"text": TEXT[900:1200]}, None, True, 1.5]},
    }
    entry: dict[str, Any] = {"rate": 0.5, "compress": True, "pair_remove": False}
    config = {
        "id": entry | {"value_type": "int"},
        "note": entry | {"value_type": "str", "compress": False},
        "long": entry | {"value_type": "str"},
        "tags": entry | {"value_type": "list"},
        "inner": entry | {"value_type": "dict"},
    }
    result = either.compress_json(data, config)
    kept = result["compressed_prompt"]
    assert list(kept) == list(data)
    assert kept["id"] == 17
    assert kept["note"] == "one,   two,,  three"
    assert kept["inner"]["deep"][1:] == [None, True, 1.5]
    assert 0.35 < count(either, kept["long"]) / count(either, data["long"]) < 0.52
    assert result["compressed_tokens"] == count(either, json.dumps(kept, ensure_ascii=False))
    assert result["compressed_tokens"] < 0.65 * result["origin_tokens"]


def test_pairs_may_be_removed_to_meet_a_budget(either: PromptCompressor) -> None:
    data = {f"key{index}": TEXT[index * 400 : index * 400 + 300] for index in range(6)}
    config = {
        key: {"rate": 0.5, "compress": True, "value_type": "str", "pair_remove": key != "key0"}
        for key in data
    }
    result = either.compress_json(data, config, target_token=80, use_keyvalue_level_filter=True)
    assert result["compressed_tokens"] <= 80
    assert "key0" in result["compressed_prompt"]


@pytest.mark.parametrize(
    ("data", "config", "message"),
    [
        ("{}", {}, "expected an object"),
        ({"a": 1}, {}, "same keys"),
        ({"a": "x"}, {"a": {"rate": 0.5, "value_type": "int"}}, "is no int"),
        ({"a": "x"}, {"a": {"rate": 0.5, "value_type": "set"}}, "expected one of"),
        ({"a": "x"}, {"a": {"rate": 2, "value_type": "str"}}, "at most 1"),
        ({"a": object()}, {"a": {"rate": 0.5, "value_type": "str"}}, "not JSON"),
    ],
)
def test_objects_that_are_none(lm: PromptCompressor, data: Any, config: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        lm.compress_json(data, config)


def test_empty_json_divided_by_zero(either: PromptCompressor) -> None:
    assert either.compress_json({}, {})["compressed_prompt"] == {}


def test_the_question_can_be_left_out_of_the_output(lm: PromptCompressor) -> None:
    documents = [TEXT[at : at + 700] for at in range(0, 4200, 700)]
    result = lm.compress_prompt(
        documents,
        question="How much did the tribunal award?",
        rank_method="longllmlingua",
        condition_compare=True,
        concate_question=False,
        reorder_context="rank",
        dynamic_context_compression_ratio=0.3,
        target_token=200,
    )
    assert "How much did" not in result["compressed_prompt"]
    assert 180 < result["compressed_tokens"] <= 200


@pytest.mark.parametrize("method", ["bm25", "gzip"])
def test_other_ways_to_rank_documents(lm: PromptCompressor, method: str) -> None:
    documents = [f"Report {i} says nothing of note about item {i} of the list." for i in range(30)]
    documents[17] = "The code name of the project is Blue Heron, says report seventeen."
    result = lm.compress_prompt(
        documents,
        question="What is the code name of the project?",
        rank_method=method,
        context_budget="+0",
        target_token=60,
    )
    assert "Heron" in result["compressed_prompt"]


def test_forced_contexts_stay(either: PromptCompressor) -> None:
    documents = [TEXT[at : at + 500] for at in range(0, 5000, 500)]
    documents[6] = "Zebra " * 100
    result = either.compress_prompt(documents, rate=0.3, force_context_ids=[6])
    assert "Zebra" in result["compressed_prompt"]


def test_whole_sentences_when_tokens_are_not_filtered(lm: PromptCompressor) -> None:
    result = lm.compress_prompt(
        [TEXT[:4000]], rate=0.5, use_token_level_filter=False, use_sentence_level_filter=True,
        keep_first_sentence=1,
    )  # fmt: skip
    assert (
        result["compressed_prompt"].strip().startswith("To the Senate and House of Representatives")
    )


def test_what_has_no_effect_is_said(lm: PromptCompressor) -> None:
    with pytest.warns(UserWarning, match="keep_sentence_number: no effect here"):
        lm.compress_prompt([TEXT[:300]], keep_sentence_number=2)
    with pytest.raises(InputError, match="context_budget"):
        lm.compress_prompt(["a b c", "d e f"], context_budget="+100; import os")
    with pytest.raises(InputError, match="condition_compare"):
        lm.compress_prompt([TEXT[:300]], condition_compare=True)
