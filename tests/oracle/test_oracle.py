"""How the oracle fails, and what it stands on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.errors import InputError
from edgelingua.scorers import PerplexityScorer
from tests.conftest import DOCUMENT, TEXTS
from tests.oracle.cache import TokenCache
from tests.oracle.compressor import Oracle

TEXT = DOCUMENT.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tiny(scorer_bundle: ModelBundle) -> Oracle:
    return Oracle(scorer_bundle.folder)


@pytest.fixture(scope="module")
def tiny2(bert_bundle: ModelBundle) -> Oracle:
    return Oracle(bert_bundle.folder, use_llmlingua2=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"context": ["a b", "c d"], "context_budget": "+__import__('os').getpid()"}, "arithmetic"),
        ({"context": ["a b", "c d"], "context_budget": "/0"}, "arithmetic"),
        ({"context": ["a b", "c d"], "context_budget": "**9**9**9"}, "arithmetic"),
        ({"context": [""]}, "no token"),
        ({"force_context_ids": [3]}, "force_context_ids"),
    ],
)
def test_what_the_reference_cannot_do_either(
    tiny: Oracle, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        tiny.compress_prompt(**{"context": TEXTS["english"], **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"force_tokens": ["x"] * 101}, "at most 100"),
        ({"rate": 0.0}, "percentile 101"),
        ({"context": TEXT[:3000]}, "at most 64"),
    ],
)
def test_what_it_cannot_do_with_a_classifier(
    tiny2: Oracle, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        tiny2.compress_prompt_llmlingua2(**{"context": TEXTS["english"], **arguments})


def test_the_ends_of_its_range(tiny: Oracle, tiny2: Oracle) -> None:
    assert tiny.compress_prompt("")["compressed_tokens"] == 0
    whole = tiny2.compress_prompt_llmlingua2(TEXTS["english"], rate=2)["compressed_prompt"]
    assert len(whole.split()) >= len(TEXTS["english"].split()), "more than everything is everything"


def test_forced_tokens_stay_without_added_tokens(tiny2: Oracle) -> None:
    """A vocabulary without [NEWi]: the model reads an unknown token, the text keeps the word."""
    forced = "tribunal awarded"
    result = tiny2.compress_prompt_llmlingua2(
        TEXTS["english"], rate=0.3, force_tokens=[forced], return_word_label=True
    )
    assert forced in result["compressed_prompt"]
    assert f"{forced} 1" in result["fn_labeled_original_prompt"]


def test_segments_and_json_keep_what_must_stay(tiny: Oracle) -> None:
    kept = "Do not touch this: 1.50!"
    tagged = f"<llmlingua, compress=False>{kept}</llmlingua>{TEXT[:900]}</llmlingua>"
    result = tiny.structured_compress_prompt([tagged], rate=0.3, iterative_size=20)
    assert kept in result["compressed_prompt"]
    entry = {"rate": 1, "compress": False, "value_type": "int", "pair_remove": False}
    config = {"id": entry, "text": entry | {"rate": 0.5, "compress": True, "value_type": "str"}}
    result = tiny.compress_json({"id": 5, "text": TEXT[:300]}, config, iterative_size=20)
    assert result["compressed_prompt"]["id"] == 5
    assert len(result["compressed_prompt"]["text"]) < 300
    with pytest.raises(InputError, match="same keys"):
        tiny.compress_json({"id": 5}, config)


def test_a_cache_that_is_cut_gives_the_same_losses(scorer_bundle: ModelBundle) -> None:
    """Truncating and going on equals starting over; leaving losses out leaves the others alone."""
    # INT8 scales its activations by what runs at once: only fp32 does not mind where that is cut.
    scorer = PerplexityScorer(scorer_bundle, variant="cpu-fp32")
    ids = scorer.tokenizer.encode(TEXT[:2000]).ids[:300]
    whole = TokenCache(scorer).extend(ids)
    cache = TokenCache(scorer)
    cache.extend(ids[:250])
    cache.truncate(100)
    assert len(cache) == 100
    assert np.allclose(cache.extend(ids[100:]), whole[100:], atol=1e-4)
    assert np.allclose(TokenCache(scorer).extend(ids, since=120), whole[120:], atol=1e-4)
    cache.cut(10, 60)
    assert len(cache) == 250
