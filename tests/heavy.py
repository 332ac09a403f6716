"""Fixtures that need torch or llama.cpp."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from edgelingua.llama.model import LlamaModel
from edgelingua.models import registry
from tests import tiny_gguf, tiny_models


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads that wait for each other on tiny matrices take most of the time, others' too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny_lm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of ``scorer_bundle``, as a Hugging Face folder."""
    return tiny_models.tiny_lm(tmp_path_factory.mktemp("lm") / "tiny-lm")


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of ``bert_bundle``, as a Hugging Face folder."""
    return tiny_models.tiny_bert(tmp_path_factory.mktemp("bert") / "tiny-bert")


@pytest.fixture(scope="session")
def tiny_xlmr(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of ``xlmr_bundle``, as a Hugging Face folder."""
    return tiny_models.tiny_xlmr(tmp_path_factory.mktemp("xlmr") / "tiny-xlmr")


@pytest.fixture(scope="session")
def gguf() -> Path:
    """SmolLM2-135M-Instruct, fetched on the first run."""
    return registry.fetch("smollm2-135m-instruct")


@pytest.fixture(scope="session")
def reader(gguf: Path) -> LlamaModel:
    return LlamaModel(gguf, threads=1)  # two that wait for each other crawl on a busy machine


@pytest.fixture(scope="session")
def tiny_llama() -> LlamaForCausalLM:
    """A Llama with random weights whose heads are large enough for quantized caches."""
    return tiny_models.tiny_llama()


@pytest.fixture(scope="session")
def tiny_reader(
    tiny_llama: LlamaForCausalLM, tmp_path_factory: pytest.TempPathFactory
) -> LlamaModel:
    """The same in llama.cpp, in full precision: what must be equal is equal there."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    return LlamaModel(tiny_gguf.write(tiny_llama, path), threads=1)
