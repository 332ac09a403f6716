"""The bundles that come with the package: found and used with nothing but the base install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edgelingua import Budget, Prompt, parity
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.shipped import BESIDE, shipped_bundles
from edgelingua.compat import PromptCompressor
from edgelingua.compressors import default_method, load_compressor
from edgelingua.errors import ModelNotFoundError
from edgelingua.models import registry
from edgelingua_export.card import render
from tests.conftest import DOCUMENT, ROOT

NAMES = ("edgelingua-mini", "edgelingua-nano")
BUNDLES = {"edgelingua-mini": 24, "edgelingua-nano": 5, "edgelingua-multi": 57,
           "edgelingua-sentence": 24}  # fmt: skip
"""Those of a clone, with the most megabytes of their graph; the wheel has `NAMES`."""

OFFLINE_AND_BARE = """
import socket
import sys
for name in ("platformdirs", "filelock", "huggingface_hub", "rich", "typer", "rank_bm25", "torch",
             "transformers", "onnx", "llama_cpp"):
    sys.modules[name] = None  # to import it fails
socket.socket.connect = None  # nor to reach anybody
from edgelingua import Budget, Prompt, load_compressor
text = open(sys.argv[1], encoding="utf-8").read()
prompt = Prompt.build(text, question="Which city had a devastating fire?")
print(load_compressor().compress(prompt, Budget(tokens=80)).text)
"""


@pytest.mark.parametrize("name", BUNDLES)
def test_a_shipped_bundle_is_whole_and_trained(name: str) -> None:
    bundle = ModelBundle.open(registry.find_bundle(name))
    manifest = bundle.manifest
    assert manifest.name == name
    assert manifest.trained
    assert manifest.tokens.pair or manifest.task == "encoder", "it reads questions"
    assert manifest.parity["variants"]["cpu-int8"]["agreement"] >= 0.98
    assert manifest.source["licence"] == ("mit" if name == "edgelingua-multi" else "apache-2.0")
    assert (bundle.folder / "recipe.toml").is_file()
    megabytes = (bundle.folder / manifest.variants["cpu-int8"].file).stat().st_size / 1e6
    assert megabytes <= BUNDLES[name]


@pytest.mark.long
@pytest.mark.parametrize("name", BUNDLES)
def test_its_scores_are_those_of_its_original_here(name: str) -> None:
    results = parity.verify(registry.find_bundle(name))
    assert not results["cpu-int8"].failures
    assert results["cpu-int8"].figures["agreement"] >= 0.98


@pytest.mark.parametrize("name", BUNDLES)
def test_its_card_says_what_matters(name: str) -> None:
    folder = registry.find_bundle(name)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card == render(ModelBundle.open(folder).manifest, folder)
    for heading in ("Intended use", "Results", "Data", "Licence", "Limits", "Training"):
        assert f"\n## {heading}\n" in card


def test_a_base_install_compresses_without_network_or_extras(tmp_path: Path) -> None:
    unset = ("EDGELINGUA_HOME", "ORT_DISABLE_TELEMETRY", "CI")
    environment = {k: v for k, v in os.environ.items() if k not in unset}
    environment |= {"HOME": str(tmp_path), "EDGELINGUA_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE_AND_BARE, str(DOCUMENT)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Boston" in done.stdout
    assert not (tmp_path / ".cache").exists()  # nor telemetry of onnxruntime's


def test_a_folder_that_happens_to_have_the_name_is_not_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("edgelingua-mini").mkdir()
    assert (registry.default_bundle() / "manifest.json").is_file()
    assert registry.find_bundle("edgelingua-mini") == Path("edgelingua-mini")


def test_a_package_without_its_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "shipped_bundles", dict)
    with pytest.raises(ModelNotFoundError, match="did not come with this copy"):
        load_compressor()


def test_what_is_used_when_nothing_is_named(tmp_path: Path) -> None:
    for question in (True, False):
        assert default_method(None, question=question) == "llmlingua2"
    compressed = load_compressor().compress(Prompt.build("One two. " * 30), Budget(rate=0.5))
    assert compressed.score_unit == "P(keep)"
    assert PromptCompressor(use_llmlingua2=True).model_name == "edgelingua-mini"


def test_bundles_of_other_wheels_are_found_behind_the_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bert_bundle: ModelBundle
) -> None:
    own = shipped_bundles()
    for name in ("edgelingua-other", "edgelingua-mini"):
        shutil.copytree(bert_bundle.folder, tmp_path / BESIDE / name)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert shipped_bundles() == own | {"edgelingua-other": tmp_path / BESIDE / "edgelingua-other"}
    assert registry.find_bundle("edgelingua-other") == tmp_path / BESIDE / "edgelingua-other"


def test_without_the_bundle_of_many_languages_its_name_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "shipped_bundles", dict)
    with pytest.raises(ModelNotFoundError, match=r"edgelingua\[multilingual\]"):
        registry.find_bundle("edgelingua-multi")


IN_FRENCH = (
    OFFLINE_AND_BARE
    + """
text = "Le tribunal de Genève a accordé quinze millions de dollars en or. Il ne pleuvait pas. " * 3
print(load_compressor().compress(Prompt.build(text), Budget(rate=0.5)).model)
import edgelingua
print(edgelingua.__file__)
"""
)


def _wheel(project: Path, folder: Path) -> Path:
    """Build a wheel in its folder, as pip does."""
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=project,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def _run(script: str, site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "HOME": str(site)}
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        cwd=site,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_wheels_have_their_bundles_and_find_them(tmp_path: Path) -> None:
    site = tmp_path / "installed"
    main = _wheel(ROOT, tmp_path / "main")
    with zipfile.ZipFile(main) as archive:
        names = set(archive.namelist())
        archive.extractall(site)
    for name in NAMES:
        for file in ("manifest.json", "model.int8.onnx", "tokenizer.json", "README.md"):
            assert f"edgelingua/bundles/{name}/{file}" in names
    assert not any("edgelingua-multi" in name for name in names)
    assert main.stat().st_size < 30e6
    alone = _run(IN_FRENCH, site, str(DOCUMENT))
    assert "Boston" in alone.stdout
    assert str(site) in alone.stdout
    assert "edgelingua-mini" in alone.stdout
    assert "LanguageWarning" in alone.stderr

    with zipfile.ZipFile(
        _wheel(ROOT / "models" / "edgelingua-multi", tmp_path / "multi")
    ) as archive:
        archive.extractall(site)
    both = _run(IN_FRENCH, site, str(DOCUMENT))
    assert "Boston" in both.stdout
    assert "edgelingua-multi" in both.stdout
    assert not both.stderr
    verify = (
        "import sys; from edgelingua.__main__ import main; "
        "sys.argv[1:] = ['models', 'verify', 'edgelingua-multi']; main()"
    )
    assert _run(verify, site).returncode == 0

    graph = site / BESIDE / "edgelingua-multi" / "model.int8.onnx"
    whole = graph.read_bytes()
    for damaged in (whole[:-1], whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:]):
        graph.write_bytes(damaged)
        broken = _run(IN_FRENCH, site, str(DOCUMENT))
        assert "Boston" in broken.stdout  # English goes on
        assert "BundleError" in broken.stderr
        assert "model.int8.onnx" in broken.stderr
        assert _run(verify, site).returncode
