"""Small real models, and texts that break naive code.

Fixtures that need torch are in ``export/conftest.py``; those of llama.cpp, at the end, load it when
a test asks for one. ``pytest --light`` does without both.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests import patterns
from tests.browsers import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from edgelingua.bundle.bundle import ModelBundle
    from edgelingua.bundle.manifest import Task
    from edgelingua.llama.model import LlamaModel

# How fast a machine is, or what else it does, is not what is tested.
settings.register_profile(
    "patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

# A shell that starts the tests in the background has them ignore Ctrl-C, and every process that a
# test starts would do the same.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "examples" / "data" / "grant-1872.txt"
BUNDLES = Path(__file__).resolve().parent / "bundles"
"""Made by ``python -m tests.tiny_models``."""

CLIENTS = ("langchain-openai==1.7.4", "litellm==1.110.2", "numpy", "onnxruntime", "tokenizers")
"""What others are, and what `edgelingua` needs among them."""

TEXTS = {
    "english": "The tribunal awarded $15,500,000 in gold; Mr. O'Neil didn't object (much).",
    "german": "Die Fußgängerübergänge kosteten 1.234,56 € – außerordentlich günstig!",
    "french": "« L'été », dit-elle, « c'est déjà fini… » Où va-t-on ?",
    "chinese": "法庭裁定赔偿一千五百五十万美元。双方都表示满意，没有异议。",
    "japanese": "裁判所は1,550万ドルの賠償を命じた。ニューヨークでは雨が降っています。",
    "arabic": "حكمت المحكمة بتعويض قدره ١٥٬٥٠٠٬٠٠٠ دولار، ولم يعترض أحد.",
    "hindi": "न्यायाधिकरण ने १५,५००,००० डॉलर का मुआवज़ा दिया। किसी ने आपत्ति नहीं की।",
    "thai": "ศาลตัดสินให้ชดใช้ค่าเสียหายสิบห้าล้านดอลลาร์",
    "emoji": "Great 👍🏽 news 👨‍👩‍👧‍👦 from 🇩🇪🇫🇷! e\u0301te\u0301 na\u00efve ☕️ 1️⃣",
    "code": "def f(x: int) -> dict[str, int]:\n\treturn {'a_b': x << 2}  # up\n\n\nprint(f(3))\n",
    "json": '{"id": 17, "tags": ["a", "b"], "text": "He said \\"no\\".", "ratio": -0.25}',
    "log": "2026-11-21T21:13:43Z ERROR [db-1] conn=10.0.0.7:5432 refused (x3)\r\n",
    "blanks": "  two  spaces\n\n\n\ttab\u00a0nbsp \u200bzero \u2028line  ",
    "special": "Ignore <|im_end|> and [SEP] </s> <s> [CLS] here.",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--light", action="store_true", help="only the tests that need neither torch nor llama.cpp"
    )


def pytest_configure(config: pytest.Config) -> None:
    patterns.watch()  # before anything of ours is imported
    if config.getoption("--light"):
        config.pluginmanager.import_plugin(f"{__package__}.light")


@pytest.fixture(scope="session")
def corpus() -> list[str]:
    return [DOCUMENT.read_text(encoding="utf-8"), *TEXTS.values()]


def _bundle(name: str, factory: pytest.TempPathFactory) -> ModelBundle:
    from edgelingua.bundle.bundle import ModelBundle

    return ModelBundle.open(shutil.copytree(BUNDLES / name, factory.mktemp("bundle") / name))


@pytest.fixture(scope="session")
def scorer_bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A Llama with random weights and a byte-level BPE tokenizer."""
    return _bundle("tiny-lm-scorer", tmp_path_factory)


@pytest.fixture(scope="session")
def bert_bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A BERT token classifier with a WordPiece tokenizer that truncates and pads by itself."""
    return _bundle("tiny-bert-classifier", tmp_path_factory)


@pytest.fixture(scope="session")
def xlmr_bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """An XLM-RoBERTa token classifier with a Unigram tokenizer."""
    return _bundle("tiny-xlmr-classifier", tmp_path_factory)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless browser."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def sentence_bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """An encoder: BERT with random weights, and the tokenizer of ``bert_bundle``."""
    return _bundle("tiny-sentence-encoder", tmp_path_factory)


@pytest.fixture(scope="session")
def bundles(
    scorer_bundle: ModelBundle, bert_bundle: ModelBundle, sentence_bundle: ModelBundle
) -> dict[Task | None, Path | None]:
    """The folder of a bundle for each task."""
    some = (scorer_bundle, bert_bundle, sentence_bundle)
    return {None: None} | {bundle.manifest.task: bundle.folder for bundle in some}


@pytest.fixture(scope="session")
def question_bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """``bert_bundle``, said to read a question before the text."""
    from edgelingua.bundle.bundle import ModelBundle
    from edgelingua.bundle.manifest import MANIFEST

    folder = _bundle("tiny-bert-classifier", tmp_path_factory).folder
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["tokens"]["pair"] = manifest["tokens"]["suffix"]
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return ModelBundle.open(folder)


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[ModelBundle], Path]:
    """Copies a bundle, to be damaged."""

    def copy(bundle: ModelBundle) -> Path:
        return Path(shutil.copytree(bundle.folder, tmp_path / bundle.folder.name))

    return copy


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment of its own: its packages want others than ours do."""
    folder = tmp_path_factory.mktemp("clients")
    venv.create(folder)
    (python,) = folder.glob("[bS]*/python" if os.name == "posix" else "[bS]*/python.exe")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-compile"]
    done = subprocess.run(
        [*pip, *CLIENTS], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return python


@pytest.fixture(scope="session")
def gguf() -> Path:
    """SmolLM2-135M-Instruct, fetched on the first run."""
    pytest.importorskip("llama_cpp")
    from edgelingua.models import registry

    return registry.fetch("smollm2-135m-instruct")


@pytest.fixture(scope="session")
def reader(gguf: Path) -> LlamaModel:
    from edgelingua.llama.model import LlamaModel

    return LlamaModel(gguf, threads=1)  # two that wait for each other crawl on a busy machine


@pytest.fixture(scope="session")
def tiny_reader(tmp_path_factory: pytest.TempPathFactory) -> LlamaModel:
    """A Llama with random weights in full precision: what must be equal is equal there."""
    pytest.importorskip("llama_cpp")
    from edgelingua.llama.model import LlamaModel
    from tests import tiny_gguf, tiny_models

    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    return LlamaModel(tiny_gguf.write(tiny_models.tiny_llama(), path), threads=1)
