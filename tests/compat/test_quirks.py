"""quirks="0.2.2" against the golden files, and how it fails."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import MANIFEST, Manifest
from edgelingua.compat import PromptCompressor, quirks_llmlingua
from edgelingua.compat.quirks_iterative import Pruned
from edgelingua.compat.quirks_llmlingua import Compression
from edgelingua.errors import BundleError, InputError
from edgelingua.scorers import PerplexityScorer
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.quantization.options import SearchOptions
from edgelingua_export.quantize import FP32
from edgelingua_export.sources import find
from tests.conftest import DOCUMENT, TEXTS
from tests.golden import weights
from tests.golden.cases import Case
from tests.golden.make import GOLDENS, Golden, by_name, make_weights

# What is compared is fp32: any INT8 will do.
FP32_TOO = BuildOptions(keep_fp32=True, search=SearchOptions(objective="first"))
FAMILIES = [golden for golden in GOLDENS if golden.use_llmlingua2]


def entries(golden: Golden) -> dict[str, dict[str, Any]]:
    return by_name(golden.path.read_text(encoding="utf-8"))


def answer(compressor: PromptCompressor, case: Case) -> dict[str, Any]:
    """What a golden file would have of our answer."""
    try:
        output = getattr(compressor, case.method)(**case.call())
    except InputError:
        return {"error": True}
    return {"output": output}


@pytest.fixture(scope="module")
def weights_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda golden: golden.name)
def family(request: pytest.FixtureRequest, weights_root: Path) -> tuple[Golden, PromptCompressor]:
    golden: Golden = request.param
    bundle = weights_root / f"{golden.name}-bundle"
    source = find(str(make_weights(weights_root, golden.folder)))
    build(source, "classifier", bundle, FP32_TOO, lambda _: None)
    compressor = PromptCompressor(str(bundle), use_llmlingua2=True, quirks="0.2.2", variant=FP32)
    return golden, compressor


def test_llmlingua2_is_the_references_word_for_word(
    family: tuple[Golden, PromptCompressor],
) -> None:
    golden, compressor = family
    expected = entries(golden)
    wrong = {}
    for case in golden.cases():
        got, wanted = answer(compressor, case), expected[case.name]
        if "error" in wanted:
            same = "error" in got
        else:
            same = "error" not in got and list(got["output"].items()) == list(
                wanted["output"].items()
            )
        if not same:
            wrong[case.name] = got
    assert not wrong


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_the_golden_files_have_the_scripts_cases(golden: Golden) -> None:
    recorded = [
        {key: entry[key] for key in ("name", "method", "contexts", "arguments")}
        for entry in json.loads(golden.path.read_text(encoding="utf-8"))
    ]
    assert recorded == [case.record() for case in golden.cases()]
    assert len({case.name for case in golden.cases()}) == len(recorded)


def test_there_are_as_many_texts_as_promised() -> None:
    for golden in FAMILIES:
        assert len(golden.cases()) >= 60
        assert len({name for case in golden.cases() for name in case.contexts}) >= 50


SCORERS = [golden for golden in GOLDENS if not golden.use_llmlingua2]
CLOSE = 1e-3
"""Nats: how near to its threshold a token may lie for rounding to be the reason of a difference."""

MOST_CLOSE = 2
"""Cases of a golden file that may differ for that reason."""


@pytest.fixture(scope="module")
def scorer_folder(weights_root: Path) -> Path:
    """The scorer, fp32 variant included; beside it the one that says it takes 512 tokens."""
    folder = weights_root / f"{weights.SCORER}-bundle"
    source = find(str(make_weights(weights_root, weights.SCORER)))
    build(source, "scorer", folder, FP32_TOO, lambda _: None)
    short = weights_root / f"{weights.SHORT_SCORER}-bundle"
    shutil.copytree(folder, short, copy_function=os.link)
    manifest = Manifest.read(short / MANIFEST)
    (short / MANIFEST).unlink()  # a hard link: the original must not change
    tokens = replace(manifest.tokens, max_length=512)
    (short / MANIFEST).write_text(replace(manifest, tokens=tokens).dumps(), encoding="utf-8")
    return weights_root


def rounding_explains(pruned: Pruned, wanted: list[int]) -> bool:
    """Whether the first token kept by one side only lay close to its threshold."""
    ours = pruned.ids.tolist()
    first = next(
        (i for i, (a, b) in enumerate(zip(ours, wanted, strict=False)) if a != b),
        min(len(ours), len(wanted)),
    )
    low = int(pruned.places[first - 1]) + 1 if first else 0
    high = int(pruned.places[first]) + 1 if first < len(ours) else len(pruned.margins)
    return bool(pruned.margins[low:high].min(initial=np.inf) < CLOSE)


@pytest.mark.slow
@pytest.mark.parametrize("golden", SCORERS, ids=lambda golden: golden.name)
def test_llmlingua_is_the_references_token_for_token(
    golden: Golden, scorer_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[Compression] = []

    class Recorded(Compression):
        def text(self, context: Sequence[str]) -> str:
            runs.append(self)
            return super().text(context)

    monkeypatch.setattr(quirks_llmlingua, "Compression", Recorded)
    folder = scorer_folder / f"{golden.folder}-bundle"
    compressor = PromptCompressor(str(folder), quirks="0.2.2", variant=FP32)
    expected = entries(golden)
    wrong, close = {}, []
    for case in golden.cases():
        runs.clear()
        got, wanted = answer(compressor, case), expected[case.name]
        if "error" in wanted or "error" in got:
            if ("error" in wanted) != ("error" in got):
                wrong[case.name] = got
            continue
        run = runs[0] if runs else None
        if run and "documents" in wanted:
            assert run.documents == wanted["documents"], case.name
        if run and "after_sentence_filter" in wanted:
            assert run.filtered == wanted["after_sentence_filter"], case.name
        if got["output"] == wanted["output"]:
            continue
        if run and run.pruned and rounding_explains(run.pruned, wanted["kept_ids"]):
            close.append(case.name)
        else:
            wrong[case.name] = got
    assert not wrong
    assert len(close) <= MOST_CLOSE, f"too many differ by rounding alone: {close}"


def tokens_of(result: dict[str, Any]) -> int:
    tokens: int = result["compressed_tokens"]
    return tokens


@pytest.fixture(scope="module")
def tiny(scorer_bundle: ModelBundle) -> PromptCompressor:
    return PromptCompressor(str(scorer_bundle.folder), quirks="0.2.2")


@pytest.fixture(scope="module")
def tiny2(bert_bundle: ModelBundle) -> PromptCompressor:
    return PromptCompressor(str(bert_bundle.folder), use_llmlingua2=True, quirks="0.2.2")


def test_results_have_the_references_keys(tiny: PromptCompressor, tiny2: PromptCompressor) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")[:2000]
    keys = ["compressed_prompt", "origin_tokens", "compressed_tokens", "ratio", "rate", "saving"]
    result = tiny([text, text[500:900]], rate=0.4)
    assert list(result) == keys
    assert 0 < tokens_of(result) < result["origin_tokens"]
    result = tiny2.compress_prompt(TEXTS["english"], return_word_label=True)
    assert list(result) == [
        keys[0],
        "compressed_prompt_list",
        *keys[1:],
        "fn_labeled_original_prompt",
    ]
    assert result["compressed_prompt_list"] == [result["compressed_prompt"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate": 1.5}, "at most 1"),
        ({"rate": "half"}, "expected a number"),
        ({"context": [1, 2]}, "context"),
        ({"context": b"bytes"}, "context"),
        ({"instruction": None}, "instruction"),
        ({"iterative_size": 0}, "iterative_size"),
        ({"rank_method": "bge"}, "llmlingua, longllmlingua, bm25, gzip"),
        ({"rank_method": "longllmlingua"}, "question"),
        ({"condition_in_question": "beside"}, "condition_in_question"),
        ({"context": ["a b", "c d"], "context_budget": "+__import__('os').getpid()"}, "arithmetic"),
        ({"context": ["a b", "c d"], "context_budget": "/0"}, "arithmetic"),
        ({"context": ["a b", "c d"], "context_budget": "**9**9**9"}, "arithmetic"),
        ({"context": ""}, None),
        ({"context": [""]}, "no token"),
        ({"context_segs": [["a"]], "context_segs_rate": [[1.0]]}, "context_segs"),
        ({"target_token": float("inf")}, "target_token"),
        ({"force_context_ids": [3]}, "force_context_ids"),
        ({"keep_first_sentence": "1"}, "keep_first_sentence"),
        ({"reorder_context": None}, "reorder_context"),
    ],
)
def test_bad_arguments_are_refused(
    tiny: PromptCompressor, arguments: dict[str, Any], message: str | None
) -> None:
    call = {"context": TEXTS["english"], **arguments}
    if message is None:
        assert tokens_of(tiny.compress_prompt(**call)) == 0
        return
    with pytest.raises(InputError, match=message):
        tiny.compress_prompt(**call)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"force_tokens": "\n"}, "force_tokens"),
        ({"force_tokens": ["x"] * 101}, "max_force_token"),
        ({"token_to_word": "last"}, "mean or first"),
        ({"rate": 0.0}, "percentile 101"),
        ({"rate": 2}, None),
        ({"context": DOCUMENT.read_text(encoding="utf-8")[:3000]}, "at most 64"),
    ],
)
def test_bad_arguments_of_llmlingua2_are_refused(
    tiny2: PromptCompressor, arguments: dict[str, Any], message: str | None
) -> None:
    call = {"context": TEXTS["english"], **arguments}
    if message is None:  # the reference keeps all
        result = tiny2.compress_prompt_llmlingua2(**call)
        assert len(result["compressed_prompt"].split()) >= len(TEXTS["english"].split())
        return
    with pytest.raises(InputError, match=message):
        tiny2.compress_prompt_llmlingua2(**call)


def test_a_bad_constructor_call_is_refused(scorer_bundle: ModelBundle) -> None:
    folder = str(scorer_bundle.folder)
    with pytest.raises(InputError, match=r"0\.2\.2"):
        PromptCompressor(folder, quirks="0.3")
    with pytest.raises(InputError, match="device_map"):
        PromptCompressor(folder, "tpu")
    with pytest.raises(InputError, match="max_batch"):
        PromptCompressor(folder, llmlingua2_config={"batch": 1})
    with pytest.raises(InputError, match="llmlingua2_config: expected a dict"):
        PromptCompressor(folder, llmlingua2_config=[])  # type: ignore[arg-type]
    with pytest.raises(BundleError, match="classifier is needed"):
        PromptCompressor(folder, use_llmlingua2=True)
    with pytest.warns(UserWarning, match="RunOptions"):
        compressor = PromptCompressor(folder, "cuda", quirks="0.2.2")
    with pytest.raises(InputError, match="use_llmlingua2"):
        compressor.compress_prompt_llmlingua2("text")


def test_forced_tokens_stay_without_added_tokens(tiny2: PromptCompressor) -> None:
    """A vocabulary without [NEWi]: the model reads an unknown token, the text keeps the word."""
    forced = "tribunal awarded"
    result = tiny2.compress_prompt_llmlingua2(
        TEXTS["english"], rate=0.3, force_tokens=[forced], return_word_label=True
    )
    assert forced in result["compressed_prompt"]
    assert f"{forced} 1" in result["fn_labeled_original_prompt"]


def test_segments_and_json_keep_what_must_stay(tiny: PromptCompressor, tmp_path: Path) -> None:
    kept = "Do not touch this: 1.50!"
    tagged = f"<llmlingua, compress=False>{kept}</llmlingua>" + DOCUMENT.read_text("utf-8")[:900]
    result = tiny.structured_compress_prompt([tagged + "</llmlingua>"], rate=0.3, iterative_size=20)
    assert kept in result["compressed_prompt"]
    data = {"id": 5, "text": DOCUMENT.read_text("utf-8")[:300]}
    config = tmp_path / "config.yaml"
    config.write_text(
        "id: {rate: 1, compress: false, value_type: int, pair_remove: false}\n"
        "text: {rate: 0.5, compress: true, value_type: str, pair_remove: false}\n"
    )
    result = tiny.compress_json(data, str(config), iterative_size=20)
    assert result["compressed_prompt"]["id"] == 5
    assert len(result["compressed_prompt"]["text"]) < 300
    with pytest.raises(InputError, match="same keys"):
        tiny.compress_json({"id": 5}, str(config))
    with pytest.raises(InputError, match="readable YAML"):
        tiny.compress_json(data, str(tmp_path / "nowhere.yaml"))


def test_a_cache_that_is_cut_gives_the_same_losses(scorer_bundle: ModelBundle) -> None:
    """Truncating and going on equals starting over; leaving losses out leaves the others alone."""
    # INT8 scales its activations by what runs at once: only fp32 does not mind where that is cut.
    scorer = PerplexityScorer(scorer_bundle, variant=FP32)
    ids = scorer.tokenizer.encode(DOCUMENT.read_text("utf-8")[:2000]).ids[:300]
    whole = scorer.token_cache().extend(ids)
    cache = scorer.token_cache()
    cache.extend(ids[:250])
    cache.truncate(100)
    assert len(cache) == 100
    assert np.allclose(cache.extend(ids[100:]), whole[100:], atol=1e-4)
    assert np.allclose(scorer.token_cache().extend(ids, since=120), whole[120:], atol=1e-4)
    cache.cut(10, 60)
    assert len(cache) == 250
