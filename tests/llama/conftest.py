"""The model of ``tiny_reader`` in torch, to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


@pytest.fixture(scope="session")
def tiny_llama() -> LlamaForCausalLM:
    """A Llama with random weights whose heads are large enough for quantized caches."""
    pytest.importorskip("torch")
    from tests import tiny_models

    return tiny_models.tiny_llama()
