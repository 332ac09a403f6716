"""The oracle against the golden files: what llmlingua 0.2.2 itself answered."""

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

from edgelingua.bundle.manifest import MANIFEST, Manifest
from edgelingua.errors import InputError
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.quantization.options import SearchOptions
from edgelingua_export.quantize import FP32
from edgelingua_export.sources import find
from tests.golden import weights
from tests.golden.cases import Case
from tests.golden.make import GOLDENS, Golden, by_name, make_weights
from tests.oracle import llmlingua
from tests.oracle.compressor import Oracle
from tests.oracle.iterative import Pruned
from tests.oracle.llmlingua import Compression

# What is compared is fp32: any INT8 will do.
FP32_TOO = BuildOptions(keep_fp32=True, search=SearchOptions(objective="first"))
FAMILIES = [golden for golden in GOLDENS if golden.use_llmlingua2]


def entries(golden: Golden) -> dict[str, dict[str, Any]]:
    return by_name(golden.path.read_text(encoding="utf-8"))


def answer(oracle: Oracle, case: Case) -> dict[str, Any]:
    """What a golden file would have of our answer."""
    try:
        output = getattr(oracle, case.method)(**case.call())
    except InputError:
        return {"error": True}
    return {"output": output}


@pytest.fixture(scope="module")
def weights_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda golden: golden.name)
def family(request: pytest.FixtureRequest, weights_root: Path) -> tuple[Golden, Oracle]:
    golden: Golden = request.param
    bundle = weights_root / f"{golden.name}-bundle"
    source = find(str(make_weights(weights_root, golden.folder)))
    build(source, "classifier", bundle, FP32_TOO, lambda _: None)
    oracle = Oracle(bundle, use_llmlingua2=True, variant=FP32)
    return golden, oracle


def test_llmlingua2_is_the_references_word_for_word(
    family: tuple[Golden, Oracle],
) -> None:
    golden, oracle = family
    expected = entries(golden)
    wrong = {}
    for case in golden.cases():
        got, wanted = answer(oracle, case), expected[case.name]
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

    monkeypatch.setattr(llmlingua, "Compression", Recorded)
    folder = scorer_folder / f"{golden.folder}-bundle"
    oracle = Oracle(folder, variant=FP32)
    expected = entries(golden)
    wrong, close = {}, []
    for case in golden.cases():
        runs.clear()
        got, wanted = answer(oracle, case), expected[case.name]
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
