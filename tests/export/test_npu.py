"""Variants for Qualcomm's NPU, on the simulator that the [qnn] extra brings for x86 Linux."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, BertConfig, BertForTokenClassification

from edgelingua import parity
from edgelingua.bundle import placement
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.errors import BundleError, DeviceFallbackWarning, InferenceError, InputError
from edgelingua.ort import providers
from edgelingua.ort.devices import DEVICES, Device
from edgelingua.ort.session import Graph, RunOptions
from edgelingua.scorers import ClassifierScorer, PerplexityScorer
from edgelingua_export import npu
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.errors import ExportError
from edgelingua_export.npu import calibration_windows
from edgelingua_export.qdq import QdqRecipe, quantize_fixed
from edgelingua_export.sources import find
from tests.conftest import DOCUMENT

pytest.importorskip("onnxruntime_qnn", reason="the [qnn] extra has no wheel for this platform")

LABEL = "npu-qdq-64"
QNN = RunOptions(device="qnn", strict=True)
WITHOUT_PLUGIN = "import sys; sys.modules['onnxruntime_qnn'] = None; "


@pytest.fixture(scope="module")
def npu_bundle(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    folder = tmp_path_factory.mktemp("npu") / "bundle"
    options = BuildOptions(keep_fp32=True, npu=True)
    build(find(str(tiny_bert)), "classifier", folder, options, lambda _: None)
    return ModelBundle.open(folder)


@pytest.fixture
def nothing_warned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "_warned", set())


def ids_of(bundle: ModelBundle, count: int) -> Any:
    return bundle.tokenizer().encode(DOCUMENT.read_text(encoding="utf-8")).ids[:count]


def test_the_manifest_says_what_the_npu_does(npu_bundle: ModelBundle) -> None:
    """The model takes 64 tokens: too few for variants of 128 and 256."""
    manifest = npu_bundle.manifest
    assert list(manifest.variants) == ["cpu-int8", "cpu-fp32", LABEL]
    variant = manifest.variants[LABEL]
    assert (variant.target, variant.length) == ("qnn-htp", 64)
    figures = manifest.parity["variants"][LABEL]
    assert figures["word_agreement"] >= 0.95
    assert 0.95 <= figures["npu_share"] <= 1
    assert figures["tokens"] == 1024
    recipe = manifest.recipe["npu"]
    assert recipe["calibration_windows"][LABEL] > 10
    assert recipe["backend"].startswith("onnxruntime-qnn ")
    on_arm = platform.machine().lower() in ("aarch64", "arm64")
    assert recipe["simulated"] or on_arm


def test_the_npu_runs_the_graph_and_scores_like_the_cpu(npu_bundle: ModelBundle) -> None:
    variant, graph = npu_bundle.load(None, QNN)
    assert variant.target == "qnn-htp"
    assert graph.operators["QNNExecutionProvider"] >= 0.95 * sum(graph.operators.values())
    ids = ids_of(npu_bundle, 200)
    on_npu = ClassifierScorer(npu_bundle, options=QNN).score_ids(ids)
    same_on_cpu = ClassifierScorer(npu_bundle, variant=LABEL, options=RunOptions(device="cpu"))
    fp32 = ClassifierScorer(npu_bundle, variant="cpu-fp32", window=64)
    # Over eight draws of weights the means were up to 0.012; the worst token says little of either.
    assert np.abs(on_npu - same_on_cpu.score_ids(ids)).mean() < 0.02
    assert np.abs(on_npu - fp32.score_ids(ids)).mean() < 0.02


def test_verify_repeats_it_and_skips_what_is_not_here(npu_bundle: ModelBundle) -> None:
    recorded = npu_bundle.manifest.parity["variants"][LABEL]
    result = parity.verify(npu_bundle.folder)[LABEL]
    assert result.figures["agreement"] == pytest.approx(recorded["agreement"], abs=0.02)
    assert not result.failures
    show = "from edgelingua import parity; r = parity.verify(sys.argv[1]); print(parity.table(r))"
    table = python(WITHOUT_PLUGIN + show, str(npu_bundle.folder)).stdout
    assert f"{LABEL}: not checked: onnxruntime-qnn cannot be imported" in table
    assert "cpu-int8: ok" in table


def test_a_simulator_is_only_used_when_asked_for(
    npu_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert npu_bundle.load()[0].target == "cpu"
    monkeypatch.setattr(placement, "has_npu", lambda _: True)
    assert npu_bundle.load()[0].target == "qnn-htp"
    assert npu_bundle.load("cpu-int8")[0].target == "cpu"


@pytest.fixture(scope="module")
def fixed_and_free(npu_bundle: ModelBundle) -> tuple[ClassifierScorer, ClassifierScorer]:
    on_cpu = RunOptions(device="cpu")
    fixed, free = (
        ClassifierScorer(npu_bundle, variant=v, options=on_cpu) for v in (LABEL, "cpu-fp32")
    )
    return fixed, free


@given(length=st.integers(1, 62))
@settings(max_examples=20, deadline=None)
def test_padding_is_not_seen(
    npu_bundle: ModelBundle, fixed_and_free: tuple[ClassifierScorer, ClassifierScorer], length: int
) -> None:
    padded, fp32 = fixed_and_free
    ids = ids_of(npu_bundle, length)
    scores = padded.score_ids(ids)
    assert scores.shape == (length,)
    assert np.abs(scores - fp32.score_ids(ids)).max() < 0.1


def test_more_than_the_length_at_once_is_refused(npu_bundle: ModelBundle) -> None:
    scorer = ClassifierScorer(npu_bundle, variant=LABEL, options=RunOptions(device="cpu"))
    sequence = np.ones(65, dtype=np.int64)
    with pytest.raises(InputError, match="at most 64"):
        scorer.probabilities(sequence, sequence)
    assert scorer.probabilities(sequence[:64], sequence[:64]).shape == (64,)


@pytest.mark.usefixtures("nothing_warned")
def test_a_bundle_without_a_variant_falls_back_once(
    bert_bundle: ModelBundle, scorer_bundle: ModelBundle
) -> None:
    ids = ids_of(bert_bundle, 100)
    with pytest.warns(DeviceFallbackWarning, match="no variant for qnn.*--target qnn-htp") as seen:
        fallen = ClassifierScorer(bert_bundle, options=RunOptions(device="qnn"))
    assert seen[0].filename == __file__
    expected = ClassifierScorer(bert_bundle).score_ids(ids)
    np.testing.assert_array_equal(fallen.score_ids(ids), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ClassifierScorer(bert_bundle, options=RunOptions(device="qnn"))
    with pytest.raises(InferenceError, match="no variant for qnn"):
        PerplexityScorer(scorer_bundle, options=QNN)


@pytest.mark.usefixtures("nothing_warned")
def test_a_provider_that_is_not_part_of_this_onnxruntime(bert_bundle: ModelBundle) -> None:
    missing = next(n for n in ("coreml", "directml") if not available(DEVICES[n]))
    with pytest.warns(DeviceFallbackWarning, match="this onnxruntime has no"):
        bert_bundle.load(None, RunOptions(device=missing))  # type: ignore[arg-type]


def test_a_graph_that_is_not_made_for_the_npu(npu_bundle: ModelBundle) -> None:
    """QNN takes the session and a few of its operators: that is not what was asked for."""
    path = npu_bundle.folder / npu_bundle.manifest.variants["cpu-int8"].file
    with pytest.raises(InferenceError, match=r"QNNExecutionProvider runs .* at least half"):
        Graph(path, QNN)


def test_without_the_package(npu_bundle: ModelBundle) -> None:
    load = (
        "from edgelingua import *; from edgelingua.ort.session import RunOptions; "
        "ModelBundle.open(sys.argv[1]).load(None, RunOptions(device='qnn', strict={}))"
    )
    done = python(WITHOUT_PLUGIN + load.format(True), str(npu_bundle.folder))
    assert "InferenceError" in done.stderr
    assert "pip install 'edgelingua[qnn]'" in done.stderr
    done = python(WITHOUT_PLUGIN + load.format(False), str(npu_bundle.folder))
    assert "DeviceFallbackWarning" in done.stderr
    assert done.returncode == 0


def test_a_build_for_the_npu_needs_its_backend(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(device: Device) -> None:
        raise InferenceError(f"get it with: {device.install}")

    monkeypatch.setattr(npu, "hardware", nothing)
    with pytest.raises(ExportError, match=r"pip install 'edgelingua\[qnn\]'"):
        build(
            find(str(tiny_bert)),
            "classifier",
            tmp_path / "b",
            BuildOptions(npu=True),
            lambda _: None,
        )
    assert not list(tmp_path.iterdir())


def test_stdout_is_for_results(npu_bundle: ModelBundle) -> None:
    """The simulator prints a line there when it starts."""
    command = [sys.executable, "-m", "edgelingua", "compress", "--model", str(npu_bundle.folder)]
    command += ["--device", "qnn", "--strict", "--json"]
    text = "The tribunal awarded gold to the United States, and nobody objected to it."
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["text"]


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_plugin_cut_short_does_not_take_the_process_down(
    share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime_qnn

    data = Path(onnxruntime_qnn.get_library_path()).read_bytes()
    plugin = fake_plugin(tmp_path, data, recorded=len(data))
    (tmp_path / "fake_plugin" / "plugin.so").write_bytes(data[: int(share * len(data))])
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InferenceError, match=r"plugin\.so: .* install it again"):
        providers.hardware(plugin)


def test_a_plugin_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = fake_plugin(tmp_path, b"not a library", recorded=13)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InferenceError, match=r"fake-plugin: onnxruntime .* cannot load it"):
        providers.hardware(plugin)


@pytest.mark.parametrize("length", [0, -1, 3, 65])
def test_a_length_that_cannot_be(
    length: int, npu_bundle: ModelBundle, copy_of: Callable[[ModelBundle], Path]
) -> None:
    folder = copy_of(npu_bundle)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["variants"][LABEL]["length"] = length
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=f"length {length} out of range"):
        ModelBundle.open(folder)


def test_scorers_do_not_run_on_the_npu(tiny_lm: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="only classifiers"):
        build(find(str(tiny_lm)), "scorer", tmp_path / "b", BuildOptions(npu=True), print)
    assert not list(tmp_path.iterdir())


def test_calibration_covers_the_text_and_padding(npu_bundle: ModelBundle) -> None:
    variant, tokens = npu_bundle.manifest.variants[LABEL], npu_bundle.manifest.tokens
    for count in (1, 10, 62, 63, 500):
        ids = ids_of(npu_bundle, count)
        windows = calibration_windows(variant, tokens, ids, 64)
        assert all(feed[name].shape == (1, 64) for feed in windows for name in feed)
        assert any(feed[variant.mask].min() == 0 for feed in windows)
        read = np.unique(np.concatenate([feed[variant.ids][0] for feed in windows]))
        assert len(np.setdiff1d(ids[: count - count % 31], read)) == 0
    asking = replace(tokens, pair=(3,))
    types = variant.token_types
    assert types
    windows = calibration_windows(variant, asking, ids_of(npu_bundle, 500), 64)
    assert {int(feed[types].max()) for feed in windows} == {0, 1}


def test_a_model_with_nothing_to_fuse_that_reads_questions(tiny_bert: Path, tmp_path: Path) -> None:
    config = BertConfig.from_pretrained(
        tiny_bert,
        hidden_act="relu",
        initializer_range=0.1,
        max_position_embeddings=200,
    )
    torch.manual_seed(4)
    BertForTokenClassification(config).save_pretrained(tmp_path / "relu")
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path / "relu")
    options = BuildOptions(npu=True, reads_question=True)
    source = find(str(tmp_path / "relu"))
    manifest = build(source, "classifier", tmp_path / "b", options, lambda _: None)
    npu_lengths = [v.length for v in manifest.variants.values() if v.target == "qnn-htp"]
    assert npu_lengths == [128, 200]
    scorer = ClassifierScorer(ModelBundle.open(tmp_path / "b"), options=QNN)
    asked = scorer.score("The tribunal awarded gold.", "What did the tribunal award?")
    assert np.abs(asked.scores - scorer.score("The tribunal awarded gold.").scores).max() > 0.001


def test_what_cannot_be_quantized_is_said(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"nonsense")
    with pytest.raises(ExportError, match="cannot be quantized for the NPU"):
        quantize_fixed(tmp_path / "bad.onnx", tmp_path / "out.onnx", 64, [], QdqRecipe())


def test_onnxruntime_knows_every_provider_of_the_table() -> None:
    known = onnxruntime.get_all_providers()
    assert {device.provider for device in DEVICES.values()} <= set(known)
    assert placement.device_for("qnn-htp") == "qnn"
    assert placement.device_for("cpu") == "cpu"
    with pytest.raises(InferenceError, match="knows no device"):
        placement.device_for("tpu")


@pytest.mark.slow
def test_minilm_on_the_npu(tmp_path: Path) -> None:
    options = BuildOptions(npu=True)
    manifest = build(
        find("all-minilm-l6-v2"), "classifier", tmp_path / "b", options, lambda _: None
    )
    for length in (128, 256):
        figures = manifest.parity["variants"][f"npu-qdq-{length}"]
        assert figures["word_agreement"] >= 0.95
        assert figures["npu_share"] >= 0.95
        assert manifest.variants[f"npu-qdq-{length}"].length == length


def available(device: Device) -> bool:
    return device.provider in onnxruntime.get_available_providers()


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def fake_plugin(folder: Path, library: bytes, recorded: int) -> Device:
    """Install a package whose library is ``library`` and should have ``recorded`` bytes."""
    sys.modules.pop("fake_plugin", None)  # another test's
    package = folder / "fake_plugin"
    package.mkdir()
    (package / "plugin.so").write_bytes(library)
    (package / "__init__.py").write_text(
        "from pathlib import Path\n"
        "def get_library_path():\n    return str(Path(__file__).with_name('plugin.so'))\n"
    )
    info = folder / "fake_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-plugin\nVersion: 1.0\n")
    (info / "RECORD").write_text(f"fake_plugin/plugin.so,sha256=x,{recorded}\n")
    return Device("FakeExecutionProvider", ("fake",), "no way", package="fake-plugin")
