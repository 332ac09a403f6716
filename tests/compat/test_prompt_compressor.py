"""PromptCompressor: each test is named after what a user of the reference saw."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compat import PromptCompressor
from edgelingua.compat.tags import Part, parse
from edgelingua.errors import BundleError, InputError
from edgelingua.text.boundaries import sentences
from edgelingua.text.counting import ESTIMATE
from tests.conftest import DOCUMENT, TEXTS

TEXT = DOCUMENT.read_text(encoding="utf-8")
KEYS = ["compressed_prompt", "origin_tokens", "compressed_tokens", "ratio", "rate", "saving"]
KEYS.append("counted_in")  # which the reference does not say


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


def test_a_bad_constructor_call_is_refused(scorer_bundle: ModelBundle) -> None:
    folder = str(scorer_bundle.folder)
    with pytest.raises(InputError, match="max_batch"):
        PromptCompressor(folder, llmlingua2_config={"batch": 1})
    with pytest.raises(InputError, match="llmlingua2_config: expected a dict"):
        PromptCompressor(folder, llmlingua2_config=[])  # type: ignore[arg-type]
    with pytest.raises(BundleError, match="classifier is needed"):
        PromptCompressor(folder, use_llmlingua2=True)
    for device in ("cuda", "cuda:0", "cpu:0", "balanced", "xpu", "mps"):
        with pytest.warns(UserWarning, match="RunOptions"):
            compressor = PromptCompressor(folder, device)
    with pytest.raises(InputError, match="use_llmlingua2"):
        compressor.compress_prompt_llmlingua2("text")


def test_who_asks_for_the_references_defects_is_told_what_to_do() -> None:
    with pytest.raises(InputError, match=r"leave the argument out.* or use PyPI llmlingua"):
        PromptCompressor(quirks="0.2.2")  # type: ignore[arg-type]


def test_results_have_the_keys_people_read(
    lm: PromptCompressor, classifier: PromptCompressor
) -> None:
    result = lm.compress_prompt([TEXT[:800]], instruction="Read.", question="Who?", rate=0.5)
    assert list(result) == KEYS
    assert result["compressed_prompt"].startswith("Read.\n\n")
    assert result["compressed_prompt"].endswith("\n\nWho?")
    assert result["counted_in"] == ESTIMATE.name
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
    assert tokens >= rate * result["origin_tokens"] - 16  # a clause with its subject is whole


@pytest.mark.parametrize("target", [1, 37, 250])
def test_an_exact_number_of_tokens_was_wanted(either: PromptCompressor, target: int) -> None:
    result = either.compress_prompt([TEXT[:1500], TEXT[1500:2500]], target_token=target)
    assert target - 12 <= count(either, result["compressed_prompt"]) <= target


def test_tails_were_never_compressed(lm: PromptCompressor) -> None:
    """The reference's loop ends before a tail shorter than a window, and all of it stays."""
    head, tail = TEXT[:1000].replace("\n", " "), TEXT[1000:1400].replace("\n", " ")
    result = lm.compress_prompt([head, tail], rate=0.5, use_context_level_filter=False)
    _, kept = result["compressed_prompt"].split("\n\n")
    assert 0.2 < count(lm, kept) / count(lm, tail) < 0.8


@pytest.mark.parametrize("context", ["", " \n", [], [""], ["", "  "], ["x"], [".", "."]])
def test_tiny_and_empty_prompts_crashed(either: PromptCompressor, context: Any) -> None:
    for method in (either.compress_prompt, either.structured_compress_prompt):
        result = method(context, rate=0.5)
        text, tokens = result["compressed_prompt"], result["compressed_tokens"]
        assert tokens == count(either, text) <= max(1, result["origin_tokens"])
        everything = iter("\n\n".join(context))
        assert all(character in everything for character in text.strip())


@pytest.mark.parametrize("force", [["\n"], ["?", "."], ["tribunal"], ["devastating fire"]])
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_forced_tokens_were_lost(
    classifier: PromptCompressor, force: list[str], rate: float
) -> None:
    result = classifier.compress_prompt([TEXT[:6000]], rate=rate, force_tokens=force)
    for token in force:
        assert result["compressed_prompt"].count(token) == TEXT[:6000].count(token)


@pytest.mark.parametrize(
    ("text", "force"),
    [
        ("He went to New York, and in New York he met a New friend. " * 4, ["New", "New York"]),
        ("支付1550万美元的黄金,没有任何异议。政府在New York说,美元很好。" * 4, ["美元", "异议"]),
        ("支付1550万美元的黄金,没有任何异议。政府在New York说,美元很好。" * 4, ["New York"]),
    ],
)
def test_forced_tokens_that_overlap_or_have_no_spaces_around_them(
    classifier: PromptCompressor, text: str, force: list[str]
) -> None:
    result = classifier.compress_prompt([text], rate=0.6, force_tokens=force)
    assert result["compressed_tokens"] < result["origin_tokens"]
    for token in force:
        assert result["compressed_prompt"].count(token) == text.count(token)
    inside = classifier.compress_prompt([text], rate=0.6, force_tokens=["Yor"])
    assert inside == classifier.compress_prompt([text], rate=0.6), "a part of a word is none"


def test_names_were_cut(classifier: PromptCompressor) -> None:
    names = ("Ida Brandt", "Jonas Vik", "Old Harbour Office", "Port Ellen")
    text = (
        "The keeper Ida Brandt wrote of Jonas Vik and his boat, and the Old Harbour Office in "
        'Port Ellen sent "nothing at all" to the two.'
    )
    for tokens in range(4, count(classifier, text), 3):
        result = classifier.compress_prompt([text], target_token=tokens, return_word_label=True)
        structured = classifier.structured_compress_prompt(
            [f"<llmlingua>{text}</llmlingua>"], target_token=tokens
        )
        for kept in (result["compressed_prompt"], structured["compressed_prompt"]):
            for name in names:
                assert name in kept or not any(part in kept for part in name.split()), kept
        labels = result["fn_labeled_original_prompt"].split("\t\t|\t\t")
        words = [word for word, _ in (label.split(" ") for label in labels)]
        assert "".join(words) == "".join(text.split())


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
    # A clause of one part may bring its subject and its verb.
    assert 0.15 < count(either, before) / count(either, low) <= 0.23
    assert 0.75 < count(either, after) / count(either, high) <= 0.81


def test_a_segment_with_a_smaller_than_sign_vanished(either: PromptCompressor) -> None:
    context = "<llmlingua, compress=False>if a < b and c > d: x</llmlingua> tail of the text"
    result = either.structured_compress_prompt([context], rate=0.5)
    assert "if a < b and c > d: x" in result["compressed_prompt"]
    assert "llmlingua" not in result["compressed_prompt"]


def test_reordering_moves_nothing_across_tags(lm: PromptCompressor) -> None:
    contexts = [
        f"<llmlingua, compress=False>Part {letter}:</llmlingua><llmlingua, rate=0.5> "
        f"{TEXT[at : at + 300]}</llmlingua>"
        for letter, at in (("A", 0), ("B", 900), ("C", 1800))
    ]
    plain = lm.structured_compress_prompt(contexts)
    with pytest.warns(UserWarning, match="context_budget, force_context_number, reorder_context:"):
        result = lm.structured_compress_prompt(
            contexts, reorder_context="rank", force_context_number=1, context_budget="+0"
        )
    assert result == plain
    assert re.findall(r"Part \w:", plain["compressed_prompt"]) == ["Part A:", "Part B:", "Part C:"]


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
        ("<llmlingua, rate=0.4 a</llmlingua>", "without its '>'"),
        ("<llmlingua>a</llmlingua", "without its '>'"),
        ("<llmlingua, rate=0.4, rate=0.5>a</llmlingua>", "there twice"),
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
    assert 0.35 < count(either, kept["long"]) / count(either, data["long"]) < 0.55
    assert result["compressed_tokens"] == count(either, json.dumps(kept, ensure_ascii=False))
    assert result["compressed_tokens"] < 0.65 * result["origin_tokens"]


ENTRY: dict[str, Any] = {"rate": 0.5, "compress": True, "value_type": "str", "pair_remove": False}


def test_pairs_may_be_removed_to_meet_a_budget(either: PromptCompressor) -> None:
    data = {f"key{index}": TEXT[index * 400 : index * 400 + 300] for index in range(6)}
    config = {key: ENTRY | {"pair_remove": key != "key0"} for key in data}
    most = 2 * count(either, json.dumps({"key0": data["key0"]}))
    result = either.compress_json(data, config, target_token=most, use_keyvalue_level_filter=True)
    kept = result["compressed_prompt"]
    assert result["compressed_tokens"] <= most
    assert "key0" in kept
    assert 1 < len(kept) < len(data), "some went, whole, and some stayed"
    for key, text in kept.items():
        assert 0.3 < count(either, text) / count(either, data[key]) <= 0.62, "at its own rate"


def test_the_pair_that_answers_the_question_stays(lm: PromptCompressor) -> None:
    data = {f"report {i}": f"Nothing of note about item {i} of the list." for i in range(12)}
    data["report 7"] = "The code name of the project is Blue Heron, says the report."
    config = {key: ENTRY | {"pair_remove": True, "rate": 1.0} for key in data}
    question = "What is the code name of the project?"
    arguments: dict[str, Any] = {"rank_method": "bm25", "use_keyvalue_level_filter": True}
    result = lm.compress_json(data, config, question=question, target_token=60, **arguments)
    assert result["compressed_prompt"]["report 7"] == data["report 7"]
    other = lm.compress_json(data, config, question="Item 3?", target_token=30, **arguments)
    assert "report 7" not in other["compressed_prompt"]


def test_what_may_not_go_is_kept_above_a_target_with_one_warning(either: PromptCompressor) -> None:
    data = {"first": TEXT[:300], "second": TEXT[300:600], "number": 12345}
    config = {key: ENTRY | {"value_type": "str"} for key in data}
    with pytest.warns(UserWarning, match="more than the 5 wanted") as said:
        result = either.compress_json(data, config, target_token=5)
    assert len(said) == 1
    assert list(result["compressed_prompt"]) == list(data)


def test_targets_of_objects_are_met(either: PromptCompressor) -> None:
    data = {"first": TEXT[:900] + ' "quoted" \\ \n' * 9, "second": TEXT[900:1500]}
    config = dict.fromkeys(data, ENTRY | {"rate": 0.9})
    result = either.compress_json(data, config, target_token=150)
    assert 100 < result["compressed_tokens"] <= 150


@pytest.mark.parametrize("order", ["sort", "two_stage"])
def test_values_came_back_under_other_keys(lm: PromptCompressor, order: str) -> None:
    data = {f"key{index}": TEXT[index * 300 :][:250] for index in range(5)}
    config = dict.fromkeys(data, ENTRY)
    plain = lm.compress_json(data, config)
    with pytest.warns(UserWarning, match="reorder_keyvalue: no effect here"):
        assert lm.compress_json(data, config, reorder_keyvalue=order) == plain
    for key, value in plain["compressed_prompt"].items():
        letters = iter(data[key])
        assert all(letter in letters for letter in value), "slices of its own text, in order"


@pytest.mark.parametrize(
    ("data", "config", "message"),
    [
        ("{}", {}, "expected an object"),
        ({"a": 1}, {}, "same keys"),
        ({"a": "x"}, {"a": {"rate": 0.5, "value_type": "int"}}, "is no int"),
        ({"a": "x"}, {"a": {"rate": 0.5, "value_type": "set"}}, "expected one of"),
        ({"a": "x"}, {"a": {"rate": 2, "value_type": "str"}}, "at most 1"),
        ({"a": object()}, {"a": {"rate": 0.5, "value_type": "str"}}, "not JSON"),
        ({"a": float("nan")}, {"a": {"value_type": "float"}}, "not JSON"),
        ({1: "x"}, {1: {}}, "keys of type str"),
        ({"a": {1: "x"}}, {"a": {"value_type": "dict"}}, "keys of type str"),
        ({"a": "x"}, {"a": 0.5}, "expected a dict"),
        ({"a": "x"}, {"a": {"compress": "no"}}, "True or False"),
    ],
)
def test_objects_that_are_none(lm: PromptCompressor, data: Any, config: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        lm.compress_json(data, config)


def test_a_rate_of_nothing_names_the_argument(lm: PromptCompressor) -> None:
    with pytest.raises(InputError, match=r"^rate: "):
        lm.compress_json({"a": "x"}, {"a": {}}, rate=0)


def test_a_configuration_can_be_a_file(lm: PromptCompressor, tmp_path: Path) -> None:
    data = {"id": 5, "text": TEXT[:300]}
    config = tmp_path / "config.yaml"
    config.write_text(
        "id: {rate: 1, compress: false, value_type: int, pair_remove: false}\n"
        "text: {rate: 0.5, compress: true, value_type: str, pair_remove: false}\n"
    )
    kept = lm.compress_json(data, str(config))["compressed_prompt"]
    assert kept["id"] == 5
    assert 0 < len(kept["text"]) < 300
    with pytest.raises(InputError, match="same keys"):
        lm.compress_json({"id": 5}, str(config))
    with pytest.raises(InputError, match="readable YAML"):
        lm.compress_json(data, str(tmp_path / "nowhere.yaml"))


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
    documents = [f"{TEXT[at : at + 90]}." for at in range(0, 2700, 90)]
    documents[17] = "The code name of the project is the code name that the project has: Heron."
    call: dict[str, Any] = {
        "question": "What is the code name of the project?", "context_budget": "+0",
        "target_token": 90,
    }  # fmt: skip
    plain = lm.compress_prompt(documents, **call)
    assert "Heron" not in plain["compressed_prompt"]
    result = lm.compress_prompt(documents, rank_method=method, **call)
    assert "Heron" in result["compressed_prompt"]


def test_forced_contexts_stay(either: PromptCompressor) -> None:
    animals = ["Zebra", "Lion", "Horse", "Eagle", "Whale", "Mouse", "Tiger", "Snake"]
    documents = [f"{animal} " * 60 for animal in animals]
    call: dict[str, Any] = {"rate": 0.2, "context_budget": "-50"}
    if either.use_llmlingua2:  # whole: words compete across contexts, and may all go
        call = {"context_level_rate": 0.3, "use_token_level_filter": False}
        call["use_context_level_filter"] = True
    plain = either.compress_prompt(documents, **call)["compressed_prompt"]
    lost = next(number for number, animal in enumerate(animals) if animal not in plain)
    result = either.compress_prompt(documents, force_context_ids=[lost], **call)
    assert animals[lost] in result["compressed_prompt"]


def _is_subsequence(part: str, text: str) -> bool:
    rest = iter(text)
    return all(character in rest for character in part)


def test_whole_sentences_when_tokens_are_not_filtered(lm: PromptCompressor) -> None:
    text = TEXT[:4000]
    result = lm.compress_prompt(
        [text], rate=0.5, use_token_level_filter=False, use_sentence_level_filter=True,
        keep_first_sentence=1,
    )  # fmt: skip
    kept = result["compressed_prompt"]
    assert kept.strip().startswith("To the Senate and House of Representatives")
    assert 0.2 < result["compressed_tokens"] / result["origin_tokens"] <= 0.5
    at = 0
    pieces = {text[a:b].strip() for a, b in sentences(text).tolist()}
    for start, end in sentences(kept).tolist():
        assert kept[start:end].strip() in pieces
        at += 1
    assert at > 2


def test_whole_documents_when_only_documents_are_filtered(lm: PromptCompressor) -> None:
    documents = [TEXT[at : at + 300].strip() for at in range(0, 3000, 300)]
    call: dict[str, Any] = {"rate": 0.4, "use_token_level_filter": False, "instruction": "Read."}
    result = lm.compress_prompt(documents, **call)
    first, *kept = _split_at(result["compressed_prompt"], documents)
    assert first == "Read."
    assert 1 < len(kept) < len(documents)
    assert result["compressed_tokens"] <= 0.4 * result["origin_tokens"]
    missing = next(i for i, document in enumerate(documents) if document not in kept)
    forced = lm.compress_prompt(documents, force_context_ids=[missing], **call)
    assert documents[missing] in forced["compressed_prompt"]
    ranked = lm.compress_prompt(documents, reorder_context="rank", **call)
    assert sorted(_split_at(ranked["compressed_prompt"], documents)) == sorted(["Read.", *kept])
    with pytest.warns(UserWarning, match="no context fits whole"):
        lm.compress_prompt(documents, target_token=10, use_token_level_filter=False)


def _split_at(text: str, documents: list[str]) -> list[str]:
    """Take documents from a text, in the order in which they stand there."""
    found = sorted((text.index(d), d) for d in documents if d in text)
    rest = text[: found[0][0]].strip()
    assert "\n\n".join([rest, *(d for _, d in found)]) == text
    return [rest, *(d for _, d in found)]


def test_nothing_changes_when_nothing_is_filtered(
    lm: PromptCompressor, classifier: PromptCompressor
) -> None:
    documents = [TEXT[:500], TEXT[500:900]]
    off: dict[str, Any] = {"use_token_level_filter": False, "use_context_level_filter": False}
    for result in (
        lm.compress_prompt(documents, **off),
        lm.compress_prompt("\n\n".join(documents), use_token_level_filter=False),
        classifier.compress_prompt(documents, **off),
        classifier.structured_compress_prompt(documents, **off),
    ):
        assert result["compressed_prompt"] == "\n\n".join(documents)
    data = {"a": TEXT[:300], "b": [1, "some words of it", None]}
    config = {"a": ENTRY, "b": ENTRY | {"value_type": "list"}}
    assert lm.compress_json(data, config, use_token_level_filter=False)["compressed_prompt"] == data


def test_what_has_no_effect_is_said(lm: PromptCompressor, classifier: PromptCompressor) -> None:
    with pytest.warns(UserWarning, match="^keep_sentence_number: no effect here$"):
        lm.compress_prompt([TEXT[:300]], keep_sentence_number=2)
    with pytest.warns(UserWarning, match="^force_tokens, return_word_label: no effect here$"):
        lm.compress_prompt([TEXT[:300]], force_tokens=["x"], return_word_label=True)
    with pytest.warns(UserWarning, match="ranked as with 'after'"):
        lm.compress_prompt(
            [TEXT[:300], TEXT[300:600]], question="Who?", rank_method="longllmlingua",
            condition_in_question="before",
        )  # fmt: skip
    with pytest.warns(UserWarning, match="instruction, question: no effect here.*put them around"):
        classifier.compress_prompt([TEXT[:300]], instruction="Read.", question="Who?")
    with pytest.warns(UserWarning, match="chunk_end_tokens: no effect here"):
        classifier.compress_prompt_llmlingua2([TEXT[:300]], chunk_end_tokens=["!"])
    with pytest.warns(UserWarning, match="context_budget, instruction, keep_first_sentence, keep"):
        lm.compress_json(
            {"a": TEXT[:200]}, {"a": ENTRY}, instruction="Read.", keep_first_sentence=1,
            keep_split=True, context_budget="+1",
        )  # fmt: skip


def test_warnings_are_of_the_callers_line(
    lm: PromptCompressor, classifier: PromptCompressor
) -> None:
    idle: dict[str, Any] = {"keep_sentence_number": 2}
    calls: tuple[Callable[[], object], ...] = (
        lambda: lm([TEXT[:300]], **idle),
        lambda: lm.compress_prompt([TEXT[:300]], **idle),
        lambda: lm.compress_json({"a": TEXT[:200]}, {"a": ENTRY}, target_token=1),
        lambda: classifier.compress_prompt(["17 23 99"], rate=0.4, force_reserve_digit=True),
    )
    for call in calls:
        with pytest.warns(UserWarning, match="no effect|kept|more than") as said:
            call()
        assert {warning.filename for warning in said} == {__file__}


def test_what_has_an_effect_is_not_warned_about(
    lm: PromptCompressor, classifier: PromptCompressor
) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*no effect")
        lm.compress_prompt(
            [TEXT[:300], TEXT[300:600]], instruction="Read.", question="Who?", rate=0.9,
            reorder_context="sort", keep_first_sentence=1, context_budget="+20", force_tokens=[],
        )  # fmt: skip
        classifier.compress_prompt(
            [TEXT[:300]], rate=0.6, force_tokens=["x"], chunk_end_tokens=[".", "\n"]
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"context": None}, "context: expected"),
        ({"context": ["a b c"], "context_budget": "+100; import os"}, "context_budget"),
        ({"context_budget": "*2"}, r"context_budget: expected \+N or -N"),
        ({"context": [1, 2]}, "context: expected"),
        ({"context": b"bytes"}, "context: expected"),
        ({"instruction": None}, "instruction"),
        ({"condition_in_question": "beside"}, "condition_in_question"),
        ({"rank_method": "bge"}, "llmlingua, longllmlingua, bm25, gzip"),
        ({"rank_method": "longllmlingua"}, "question"),
        ({"rate": 1.5}, "at most 1"),
        ({"rate": "half"}, "expected a number"),
        ({"condition_compare": True}, "condition_compare"),
        ({"target_token": float("inf")}, "target_token"),
        ({"target_token": float("nan")}, "target_token"),
        ({"target_token": 0}, "target_token"),
        ({"rate": 0}, "rate: "),
        ({"keep_first_sentence": -1}, "keep_first_sentence"),
        ({"keep_first_sentence": "1"}, "keep_first_sentence"),
        ({"keep_last_sentence": 1.5}, "keep_last_sentence"),
        ({"iterative_size": True}, "iterative_size"),
        ({"iterative_size": 0}, "iterative_size"),
        ({"force_context_number": -1}, "force_context_number"),
        ({"force_context_ids": [2]}, "force_context_ids: expected numbers from 0 to 1"),
        ({"force_context_ids": 1}, "force_context_ids"),
        ({"force_context_ids": ["0"]}, "force_context_ids"),
        ({"reorder_context": "best"}, "reorder_context"),
        ({"reorder_context": 1}, "reorder_context"),
        ({"token_budget_ratio": 0}, "token_budget_ratio"),
        ({"use_token_level_filter": "False"}, "use_token_level_filter"),
        ({"context_segs_rate": [[0.5], [0.5]]}, "give context_segs too"),
        ({"context_segs": [["a b c d e"]]}, "one list each"),
        ({"context_segs": [["a b", " c d e"], ["f"]]}, r"context_segs\[1\]"),
        ({"context_segs": [["a b", " c d e"], ["f g h"]], "context_segs_rate": [[0.5, 0], [1]]},
         "context_segs_rate"),
    ],
)  # fmt: skip
def test_arguments_out_of_range(
    lm: PromptCompressor, arguments: dict[str, Any], message: str
) -> None:
    call: dict[str, Any] = {"context": ["a b c d e", "f g h"], **arguments}
    if "context_segs" in call:
        call.setdefault("context_segs_rate", [[0.5] * len(part) for part in call["context_segs"]])
        call["context_segs_compress"] = [[True] * len(part) for part in call["context_segs"]]
    if message == "one list each":
        call["context_segs_rate"] = [[0.5, 0.5]]
    with pytest.raises(InputError, match=message):
        lm.compress_prompt(**call)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"word_sep": None}, "word_sep"),
        ({"force_tokens": "\n"}, "force_tokens"),
        ({"force_tokens": ["x"] * 101}, "max_force_token"),
        ({"token_to_word": "last"}, "mean or first"),
        ({"context_level_rate": 0}, "context_level_rate"),
        ({"context_level_rate": 1.5}, "context_level_rate"),
        ({"target_context": 1.5}, "target_context"),
        ({"force_context_ids": [-1]}, "force_context_ids"),
        ({"context_level_target_token": float("inf")}, "context_level_target_token"),
    ],
)
def test_arguments_of_llmlingua2_out_of_range(
    classifier: PromptCompressor, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        classifier.compress_prompt_llmlingua2(["a b c", "d e f"], **arguments)


def test_quotations_that_do_not_begin_the_text_were_missed(lm: PromptCompressor) -> None:
    original = (
        "Paris is the capital of France. It lies near the Seine, in the north of the country, and "
        "has some two million people."
    )
    compressed = "Paris capital France lies Seine two million people"
    assert lm.recover(original, compressed, "The capital France lies near") == (
        "The capital of France. It lies near"
    )
    assert lm.recover(original, compressed, "It is Paris, capital France!") == (
        "It is Paris, capital of France!"
    )
    assert lm.recover(original, compressed, "Nothing of the sort.") == "Nothing of the sort."
    with pytest.raises(InputError, match="response"):
        lm.recover(original, compressed, None)  # type: ignore[arg-type]


def test_recovery_finds_what_was_reordered_and_repeated(lm: PromptCompressor) -> None:
    original = "A cat sat there.\n\nThen a dog ran, and the old cat ate its big fish.\n\nThe end."
    compressed = "Read.\n\ndog ran cat ate fish\n\ncat sat\n\nWho ran?"
    assert lm.recover(original, compressed, "A cat ate fish, they say; cat sat.") == (
        "A cat ate its big fish, they say; cat sat."
    )


def test_what_we_compressed_is_recovered(either: PromptCompressor) -> None:
    compressed = either.compress_prompt([TEXT[:1500]], rate=0.6)["compressed_prompt"]
    said = " ".join(compressed.split()[10:20])
    assert _is_subsequence(said.replace(" ", ""), either.recover(TEXT[:1500], compressed, said))
