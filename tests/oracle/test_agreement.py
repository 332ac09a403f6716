"""Where the reference is right, `edgelingua.compat` answers what the oracle does."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compat import PromptCompressor
from edgelingua.text.boundaries import sentences
from edgelingua.text.denials import denials
from edgelingua.text.predicates import predicates
from tests.conftest import DOCUMENT, ROOT
from tests.oracle.compressor import Oracle

TEXT = " ".join(DOCUMENT.read_text(encoding="utf-8").split())
DOCUMENTS = [TEXT[:700], TEXT[700:1400]]


def plain(sentence: str) -> bool:
    """Whether a sentence has one clause, no name or figure, and nothing denied or left open."""
    words = re.fullmatch(r"[A-Z][a-z, ]+\.", sentence) and len(sentence.split()) > 1
    found = denials(sentence)
    clauses = predicates(re.sub("[,.]", "", sentence), np.asarray([len(sentence)])).starts
    return bool(words) and not len(found.whole) and not len(found.leave_open) and len(clauses) == 1


# Without their marks, which go with the word they stand behind.
PLAIN = [
    re.sub("[,.]", "", sentence)
    for sentence in (TEXT[a:b].strip() for a, b in sentences(TEXT).tolist())
    if plain(sentence)
]


@pytest.fixture(scope="module", params=["edgelingua-mini", "edgelingua-nano"])
def both2(request: pytest.FixtureRequest) -> tuple[Oracle, PromptCompressor]:
    """A trained classifier, behind both."""
    folder = ROOT / "models" / request.param
    oracle = Oracle(folder, use_llmlingua2=True)
    return oracle, PromptCompressor(str(folder), use_llmlingua2=True, count=folder)


@pytest.fixture(scope="module")
def both(scorer_bundle: ModelBundle) -> tuple[Oracle, PromptCompressor]:
    folder = scorer_bundle.folder
    return Oracle(folder), PromptCompressor(str(folder), count=folder)


def without_capitals(result: dict[str, Any]) -> dict[str, Any]:
    """What the reference could say: it puts a text together from the pieces of an uncased model."""
    lower = {
        key: value.casefold() if isinstance(value, str) else value for key, value in result.items()
    }
    lower.pop("counted_in", None)
    lower["compressed_prompt"] = "".join(lower["compressed_prompt"].split())
    lower["compressed_prompt_list"] = [
        "".join(text.casefold().split()) for text in result["compressed_prompt_list"]
    ]
    return lower


@pytest.mark.parametrize("rate", [0.3, 0.5, 0.7])
def test_of_plain_prose_the_same_words_stay(
    both2: tuple[Oracle, PromptCompressor], rate: float
) -> None:
    """Given as many tokens as the reference ends up with, which are not those it was asked for."""
    oracle, ours = both2
    assert len(PLAIN) >= 5
    for text in PLAIN:
        wanted = oracle.compress_prompt_llmlingua2(text, rate=rate, return_word_label=True)
        result = ours.compress_prompt_llmlingua2(
            text, target_token=wanted["compressed_tokens"], return_word_label=True
        )
        assert without_capitals(result) == without_capitals(wanted)


def test_what_is_not_to_be_compressed_comes_back(both: tuple[Oracle, PromptCompressor]) -> None:
    call: dict[str, Any] = {
        "instruction": "Summarize.", "question": "What is said of the navy?",
        "use_token_level_filter": False, "use_context_level_filter": False,
    }  # fmt: skip
    oracle, ours = (one.compress_prompt(DOCUMENTS, **call) for one in both)
    assert ours == oracle | {"counted_in": ours["counted_in"]}
    entry = {"rate": 1, "compress": False, "value_type": "str", "pair_remove": False}
    data = {"title": "A plain one", "text": "Some more of it; and so on."}
    kept = [
        one.compress_json(data, dict.fromkeys(data, entry))["compressed_prompt"] for one in both
    ]
    assert kept == [data, data]


@pytest.mark.parametrize(
    "response",
    [
        " peace home, peace abroad, general prosperity was had",
        " recent devastating fire, they say",
        "Nothing of the sort.",
    ],
)
def test_quotations_that_stand_word_for_word_are_recovered_alike(
    both: tuple[Oracle, PromptCompressor], response: str
) -> None:
    original = TEXT[:900]
    compressed = "year with peace home, peace abroad, general prosperity. recent devastating fire"
    oracle, ours = (one.recover(original, compressed, response) for one in both)
    assert ours == oracle
