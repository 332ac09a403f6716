from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgelingua import parity
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.errors import ModelNotFoundError
from edgelingua_export import build as build_module
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.errors import ExportError, ParityError
from edgelingua_export.sources import find, load
from tests.conftest import BUNDLES
from tests.tiny_models import TINY, build_bundle


def silent(_: str) -> None:
    pass


@pytest.fixture(scope="module", params=TINY)
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """Built here and now, not the one that is checked in."""
    return ModelBundle.open(build_bundle(request.param, tmp_path_factory.mktemp("built")))


def test_what_is_checked_in_is_what_is_built(bundle: ModelBundle) -> None:
    kept = ModelBundle.open(BUNDLES / bundle.folder.name)
    assert kept.manifest.tokens == bundle.manifest.tokens
    tokenizers = [(b.folder / "tokenizer.json").read_bytes() for b in (kept, bundle)]
    assert tokenizers[0] == tokenizers[1]
    a, b = (np.load(b.folder / "parity" / "reference.npy") for b in (kept, bundle))
    np.testing.assert_allclose(a, b, atol=1e-4)


def test_the_manifest_holds_the_evidence(bundle: ModelBundle) -> None:
    manifest = bundle.manifest
    assert manifest.trained
    assert manifest.parity["fp32_vs_torch"]["max_difference"] < 1e-3
    assert manifest.parity["text_tokens"] > 1000
    on_disk = {
        p.relative_to(bundle.folder).as_posix() for p in bundle.folder.rglob("*") if p.is_file()
    }
    assert on_disk == set(manifest.files) | {"manifest.json"}
    assert {"torch", "onnxruntime"} <= set(manifest.tools)


def test_verify_repeats_the_recorded_comparison(bundle: ModelBundle) -> None:
    results = parity.verify(bundle.folder)
    recorded = bundle.manifest.parity["variants"]["cpu-int8"]
    assert results["cpu-int8"].figures == pytest.approx(recorded, abs=0.02)
    assert results["cpu-fp32"].figures["mean_difference"] < 1e-3
    assert not results["cpu-int8"].failures


def test_behaviour_is_read_off_the_model(
    scorer_bundle: ModelBundle, bert_bundle: ModelBundle, xlmr_bundle: ModelBundle
) -> None:
    lm, bert, xlmr = (b.manifest.tokens for b in (scorer_bundle, bert_bundle, xlmr_bundle))
    assert (lm.prefix, lm.suffix, lm.max_length) == ((0,), (), 512)
    assert (bert.prefix, bert.suffix, bert.max_length) == ((2,), (3,), 64)
    # Two of the 66 positions are XLM-R's padding offset.
    assert (xlmr.prefix, xlmr.suffix, xlmr.max_length) == ((0,), (2,), 64)
    assert (lm.word_boundary, bert.word_boundary, xlmr.word_boundary) == (
        "space",
        "wordpiece",
        "space",
    )


def test_an_encoder_without_a_head_gives_a_bundle_that_says_so(
    tiny_bert: Path, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer, BertModel

    headless = tmp_path / "headless"
    BertModel.from_pretrained(tiny_bert).save_pretrained(headless)
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(headless)
    manifest = build(find(str(headless)), "classifier", tmp_path / "b", BuildOptions(), silent)
    assert not manifest.trained
    assert "untrained" in manifest.notes


def test_a_head_that_was_never_trained_is_told_apart(tiny_bert: Path, tmp_path: Path) -> None:
    from transformers import BertForSequenceClassification, BertModel

    assert load(find(str(tiny_bert)), "classifier").trained
    # Saved with the head that loading has drawn; and with the head of another task.
    BertModel.from_pretrained(tiny_bert).save_pretrained(tmp_path / "headless")
    for name in ("headless", "drawn", "other"):
        shutil.copytree(tiny_bert, tmp_path / name, dirs_exist_ok=True, ignore=_WEIGHTS)
        if name == "other":
            other = BertForSequenceClassification.from_pretrained(tiny_bert)
            other.save_pretrained(tmp_path / name)
        loaded = load(find(str(tmp_path / name)), "classifier")
        assert not loaded.trained, name
        if name == "headless":
            loaded.model.save_pretrained(tmp_path / "drawn")


_WEIGHTS = shutil.ignore_patterns("config.json", "*.safetensors")


def test_a_bundle_that_exists_is_noticed_before_anything_is_loaded(
    bert_bundle: ModelBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        "import sys; from edgelingua_export.__main__ import main\n"
        "sys.argv = ['edgelingua-export', 'build', *sys.argv[1:], '--task', 'classifier']\n"
        "try: main()\n"
        "finally: print('torch' in sys.modules, file=sys.stderr)"
    )
    home = tmp_path / "bundles"
    shutil.copytree(bert_bundle.folder, home / "all-minilm-l6-v2-classifier")
    monkeypatch.setenv("EDGELINGUA_HOME", str(tmp_path))
    for arguments in (["nothing", "-o", str(bert_bundle.folder)], ["all-minilm-l6-v2"]):
        command = [sys.executable, "-c", script, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "there is a bundle already; --replace replaces it" in done.stderr
        assert done.stderr.endswith("False\n"), "torch was loaded for it"


def test_a_checkpoint_without_its_body_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"lacks weights of a scorer|cannot load"):
        build(find(str(tiny_bert)), "scorer", tmp_path / "b", BuildOptions(), silent)
    assert not list(tmp_path.iterdir())


def test_a_bundle_that_fails_its_gate_is_refused_with_the_figures(
    tiny_lm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ruin(bundle: ModelBundle, *_: Any) -> dict[str, Any]:
        """Quantize so badly that every weight of the head is noise."""
        import onnx
        from onnx import numpy_helper

        model = onnx.load(bundle.folder / bundle.variant("cpu-fp32").file)
        for tensor in model.graph.initializer:
            weight = numpy_helper.to_array(tensor)
            if weight.ndim == 2 and weight.dtype == np.float32:
                noise = np.random.default_rng(0).normal(size=weight.shape).astype(np.float32)
                tensor.CopyFrom(numpy_helper.from_array(noise, tensor.name))
        onnx.save(model, bundle.folder / bundle.variant("cpu-int8").file)
        return {"search": {"tokens": 0}}

    monkeypatch.setattr(build_module, "quantize", ruin)
    with pytest.raises(ParityError, match=r"perplexity_loss .* expected <= 0\.05"):
        build(find(str(tiny_lm)), "scorer", tmp_path / "b", BuildOptions(), silent)
    assert not list(tmp_path.iterdir())


def test_an_existing_bundle_is_only_replaced_on_request(
    bert_bundle: ModelBundle, tiny_bert: Path, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match="--replace"):
        build(find(str(tiny_bert)), "classifier", bert_bundle.folder, BuildOptions(), silent)
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(ExportError, match="not a bundle"):
        build(find(str(tiny_bert)), "classifier", tmp_path, BuildOptions(replace=True), silent)
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_keep_label_must_exist(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="2 labels"):
        build(
            find(str(tiny_bert)), "classifier", tmp_path / "b", BuildOptions(keep_label=2), silent
        )


def test_sources_that_are_none(tmp_path: Path) -> None:
    fake = tmp_path / "model.gguf"
    fake.write_bytes(b"not a model")
    with pytest.raises(ExportError, match="not a GGUF file"):
        find(str(fake))
    with pytest.raises(ModelNotFoundError, match="not a hub id"):
        find("no-such-thing")


def test_an_export_killed_in_the_middle_leaves_nothing_in_the_way(
    tiny_bert: Path, tmp_path: Path
) -> None:
    output = tmp_path / "bundle"
    arguments = ["build", str(tiny_bert), "--task", "classifier", "-o", str(output)]
    command = [sys.executable, "-m", "edgelingua_export", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    for line in process.stderr:
        if "searching" in line:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not output.exists()
    assert list(tmp_path.iterdir()), "the kill came too late to leave anything behind"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(output)
    assert list(tmp_path.iterdir()) == [output]
    ModelBundle.open(output)


def test_a_hub_id_comes_from_the_hubs_cache(tiny_bert: Path, tmp_path: Path) -> None:
    """As huggingface_hub lays it out; without network that is where a hub id is looked up."""
    commit = "b" * 40
    repository = tmp_path / "home" / "hub" / "models--owner--name"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    shutil.copytree(tiny_bert, repository / "snapshots" / commit)
    environment = {**os.environ, "HF_HOME": str(tmp_path / "home"), "EDGELINGUA_OFFLINE": "1"}

    def export(location: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "edgelingua_export", "build", location]
        command += ["--task", "classifier", "-o", str(tmp_path / "bundle"), "--licence", "mit"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    done = export("owner/name")
    assert done.returncode == 0, done.stderr
    source = ModelBundle.open(tmp_path / "bundle").manifest.source
    assert (source["kind"], source["location"], source["licence"]) == ("hub", "owner/name", "mit")
    missing = export("owner/other")
    assert missing.returncode == 1
