"""Small checkpoints as Hugging Face folders, and what else needs torch.

Tests elsewhere do without: they take the bundles built of the same models, which are checked in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads that wait for each other on tiny matrices take most of the time, others' too."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _made(name: str, factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    from tests.tiny_models import TINY

    make, _ = TINY[name]
    return make(factory.mktemp("checkpoint") / name)


@pytest.fixture(scope="session")
def tiny_lm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of ``scorer_bundle``."""
    return _made("tiny-lm", tmp_path_factory)


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of ``bert_bundle``."""
    return _made("tiny-bert", tmp_path_factory)


@pytest.fixture(scope="session")
def tiny_sentence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of ``sentence_bundle``."""
    return _made("tiny-sentence", tmp_path_factory)


@pytest.fixture(scope="session")
def tiny_xlmr(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of ``xlmr_bundle``."""
    return _made("tiny-xlmr", tmp_path_factory)
