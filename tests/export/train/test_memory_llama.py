"""What was trained in PyTorch does the same in llama.cpp."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

from edgelingua.kv.policies import Streaming
from edgelingua.kv.session import Session
from edgelingua.llama.library import llama_cpp
from edgelingua.llama.model import LlamaModel
from edgelingua_export.train.memory import files
from edgelingua_export.train.memory.adapter import Compressor
from edgelingua_export.train.memory.packing import Block, Document, Packer
from edgelingua_export.train.memory.recipe import Memory, MemoryRecipe
from tests import tiny_models

pytestmark = [pytest.mark.torch, pytest.mark.llama, pytest.mark.usefixtures("one_thread")]


def _switch(session: Session, adapter: object, *, on: bool) -> None:
    context = session.engine._context  # type: ignore[attr-defined]
    adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(adapter)
    scales = (ctypes.c_float * 1)(1.0)
    assert llama_cpp.llama_set_adapters_lora(context, adapters, int(on), scales) == 0


def test_a_memory_written_by_llama_cpp_is_the_one_that_was_trained(
    tiny_reader: LlamaModel, tmp_path: Path
) -> None:
    """Adapter on, document in; adapter off, what is not kept out; question in."""
    model: LlamaForCausalLM = tiny_models.tiny_llama()
    torch.manual_seed(3)
    compressor = Compressor(model, 4, 8, 0)
    with torch.no_grad():
        for name, value in compressor.trained().items():
            if name.endswith(".up"):
                value.normal_(0, 0.1)
    recipe = MemoryRecipe("tiny", (), memory=Memory(8, 24, 24, scorer="some"))
    files.write(compressor, recipe, "", tmp_path)
    compressor.restore(files.read(tmp_path, model.config))  # in float16, as llama.cpp has it
    rng = np.random.default_rng(0)
    before, question = rng.integers(10, 200, 4), rng.integers(10, 200, 6)
    document = Document(rng.integers(10, 200, 20), rng.random(20), 4)
    rows = Packer(recipe.memory, before.astype(np.int32), 8).pack(
        [document], [[Block(question, 5)]]
    )
    with torch.no_grad():
        expected = compressor.said(rows, whole=False)[0].numpy()
        unadapted = compressor.said(rows, whole=False, adapted=False)[0].numpy()

    adapter = llama_cpp.llama_adapter_lora_init(
        tiny_reader.handle, str(tmp_path / files.ADAPTER).encode()
    )
    assert adapter
    session = tiny_reader.session(64, Streaming())
    session.feed(before.astype(np.int32), pinned=True)
    _switch(session, adapter, on=True)
    session.feed(document.tokens.astype(np.int32))
    _switch(session, adapter, on=False)
    cell = rows.cell[0][rows.segment[0] >= 0].numpy()
    session.drop(np.concatenate([np.zeros(4, bool), ~cell]))
    session.feed(question[:5].astype(np.int32))
    logits = session.logits().astype(np.float64)
    said = logits - np.logaddexp.reduce(logits)
    assert np.abs(said - expected).max() < 0.05
    assert np.abs(unadapted - expected).max() > 0.5
