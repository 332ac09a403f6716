"""quirks="0.2.2" against the golden files, and how it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgelingua.compat import PromptCompressor
from edgelingua.errors import InputError
from edgelingua_export.build import FP32, BuildOptions, build
from edgelingua_export.sources import find

from .golden.cases import Case
from .golden.make import GOLDENS, Golden, by_name, make_weights

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
    build(source, "classifier", bundle, BuildOptions(keep_fp32=True), lambda _: None)
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
