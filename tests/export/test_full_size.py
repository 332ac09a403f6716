"""The real bundles and the README's examples, at full size. Slow; CI runs these."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgelingua import parity
from edgelingua.budget import Budget
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressors import load_compressor
from edgelingua.llama.model import LlamaModel
from edgelingua.models import registry
from edgelingua.prompt import Prompt
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.quantization.options import SearchOptions
from edgelingua_export.sources import find
from tests.conftest import DOCUMENT, ROOT, TEXTS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def scorer() -> ModelBundle:
    """The default scorer, built where a user would have it, once."""
    folder = registry.bundle_folder(registry.DEFAULT_SCORER)
    if not folder.exists():
        source = find(registry.DEFAULT_READER)
        quick = SearchOptions(max_loss=0.015, objective="first")
        options = BuildOptions(search=quick)
        build(source, "scorer", folder, options, lambda line: print(line, file=sys.stderr))
    return ModelBundle.open(folder)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    folder = tmp_path_factory.mktemp("classifier") / "all-minilm-l6-v2-classifier"
    build(find("all-minilm-l6-v2"), "classifier", folder, BuildOptions(), lambda _: None)
    return ModelBundle.open(folder)


def test_int8_keeps_the_scorer_usable(scorer: ModelBundle) -> None:
    figures = parity.verify(scorer.folder)["cpu-int8"].figures
    assert figures["perplexity_loss"] <= 0.025  # another CPU's kernels round otherwise
    assert scorer.manifest.parity["variants"]["cpu-int8"]["perplexity_loss"] <= 0.02
    assert sum(record.size for record in scorer.manifest.files.values()) < 190_000_000
    assert scorer.manifest.parity["fp32_vs_torch"]["max_difference"] < 1e-3
    assert scorer.manifest.source["licence"] == "apache-2.0"
    assert scorer.manifest.trained


def test_the_scorers_tokens_are_the_readers(scorer: ModelBundle, reader: LlamaModel) -> None:
    """The tokenizer rebuilt from the GGUF file cuts text as llama.cpp does."""
    tokenizer = scorer.tokenizer()
    for text in (DOCUMENT.read_text(encoding="utf-8"), *TEXTS.values()):
        assert tokenizer.encode(text).ids.tolist() == reader.tokenize(text).tolist(), text


def test_the_minilm_classifier_says_that_it_is_untrained(classifier: ModelBundle) -> None:
    assert not classifier.manifest.trained
    assert "untrained" in classifier.manifest.notes
    result = parity.verify(classifier.folder)["cpu-int8"]
    assert not result.failures
    assert result.figures["agreement"] >= 0.98
    assert result.figures["mean_difference"] <= 0.01
    assert (classifier.folder / "model.int8.onnx").stat().st_size < 24_000_000


@pytest.mark.parametrize(
    ("question", "evidence"),
    [
        ("How much did the tribunal at Geneva award to the United States?", "$15,500,000"),
        ("Which city had a devastating fire?", "Boston"),
        ("In which year will the Centennial Celebration be held?", "1876"),
    ],
)
def test_question_aware_pruning_keeps_the_evidence(
    scorer: ModelBundle, reader: LlamaModel, question: str, evidence: str
) -> None:
    compressor = load_compressor("question_aware", scorer.folder, count=reader.count)
    prompt = Prompt.build(DOCUMENT.read_text(encoding="utf-8"), question=question)
    compressed = compressor.compress(prompt, Budget(tokens=300))
    assert evidence in compressed.text
    assert 295 <= compressed.tokens_out <= 300  # what is left is less than a clause needs


def test_scores_of_a_real_text_are_those_of_a_language_model(scorer: ModelBundle) -> None:
    perplexity = parity.scorer_for(scorer)
    text = DOCUMENT.read_text(encoding="utf-8")[:4000]
    ids = perplexity.tokenizer.encode(text).ids
    shuffled = np.random.default_rng(0).permutation(ids)
    assert perplexity.score_ids(ids).mean() < 4
    assert perplexity.score_ids(shuffled).mean() > 6


def test_quickstart(scorer: ModelBundle) -> None:
    script = ROOT / "examples" / "quickstart.py"
    code = [line for line in script.read_text().splitlines() if line and not line.startswith('"""')]
    assert len(code) <= 15
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert "Boston" in done.stdout
    assert "of at most 512" in done.stdout


def test_demo(scorer: ModelBundle) -> None:
    command = [sys.executable, str(ROOT / "examples" / "demo.py"), str(DOCUMENT)]
    question = "How much did the tribunal at Geneva award to the United States?"
    done = subprocess.run([*command, question], capture_output=True, text=True, check=True)
    assert "$15,500,000" in done.stdout.split("tokens")[0]
    assert "PyTorch not loaded" in done.stdout


def test_the_command_of_the_readme(scorer: ModelBundle) -> None:
    command = [sys.executable, "-m", "edgelingua", "run", str(DOCUMENT), "--json"]
    command += [
        "--question",
        "Which city had a devastating fire?",
        "--tokens",
        "400",
        "--cap",
        "512",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert "Boston" in result["answer"]
    assert result["statistics"]["cells_used"] <= 512


def test_the_default_bundle_is_the_one_that_export_names() -> None:
    assert f"{find(registry.DEFAULT_READER).name}-scorer" == registry.DEFAULT_SCORER
    assert Path(registry.bundle_folder(registry.DEFAULT_SCORER)).name == registry.DEFAULT_SCORER


def test_ten_thousand_tokens_in_165_megabytes(classifier: ModelBundle) -> None:
    """The whole process: 70 MB for the libraries, 95 for the model, the text and two windows.

    One more window at a time, of as many as there are threads, takes some 6 MB.

    How much of the libraries' files counts as resident is the page cache's affair: 66 MB, or 83
    when they have just been written. So only what comes on top is checked.
    """
    worker = ROOT / "benchmarks" / "runtime" / "worker.py"
    command = [sys.executable, str(worker), str(classifier.folder), str(DOCUMENT), "52000"]
    command += [json.dumps({"threads": 2}), "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["tokens"] >= 10_000
    assert result["compress"]["peak_rss_mb"] - result["import"]["peak_rss_mb"] <= 95
