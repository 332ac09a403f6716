"""A trained compressor as files: an adapter for llama.cpp, learned tokens, and what they are for.

``adapter.gguf``, a LoRA in float16; ``vectors.npy``, float32 ``(learned, width)``, where there are
learned tokens; ``memory.json``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PretrainedConfig

from edgelingua_export.errors import ExportError
from edgelingua_export.train.memory.adapter import Compressor
from edgelingua_export.train.memory.recipe import MemoryRecipe

ADAPTER, VECTORS, ABOUT = "adapter.gguf", "vectors.npy", "memory.json"
FORMAT = 1

_NAMES = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output"}
_INTERLEAVED = {"llama"}
"""Architectures whose GGUF files have a head's channels in another order than PyTorch's."""


def write(
    compressor: Compressor, recipe: MemoryRecipe, reader: str, folder: Path
) -> dict[str, Any]:
    """Write a compressor's files, and return what ``memory.json`` says.

    Parameters
    ----------
    reader
        SHA-256 of the reader's GGUF file; empty: it is none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = compressor.reader.config
    trained = {
        name: value.detach().float().cpu().numpy() for name, value in compressor.trained().items()
    }
    vectors = trained.pop("vectors", None)
    _write_adapter(folder / ADAPTER, trained, config, compressor.alpha)
    files = [ADAPTER]
    if vectors is not None:
        np.save(folder / VECTORS, vectors)
        files.append(VECTORS)
    about = {
        "format": FORMAT,
        "reader": {"name": recipe.base, "sha256": reader},
        "memory": asdict(recipe.memory),
        "before": recipe.asking.before,
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files},
    }
    text = json.dumps(about, indent=1, ensure_ascii=False)
    (folder / ABOUT).write_text(f"{text}\n", encoding="utf-8", newline="\n")
    return about


def read(folder: Path, config: PretrainedConfig) -> dict[str, torch.Tensor]:
    """Read what `write` wrote, as `Compressor.trained` names it.

    Raises
    ------
    ExportError
        There is none, or the adapter is not one of these.
    """
    if not (folder / ADAPTER).is_file():
        raise ExportError(f"{folder}: expected the folder of a memory, with {ADAPTER}")
    found: dict[str, torch.Tensor] = {}
    if (folder / VECTORS).exists():
        found["vectors"] = torch.from_numpy(np.load(folder / VECTORS, allow_pickle=False))
    back = {short: name for name, short in _NAMES.items()}
    for tensor in gguf.GGUFReader(folder / ADAPTER).tensors:
        _, layer, short, _, part = tensor.name.split(".")
        if short not in back:
            raise ExportError(f"{folder / ADAPTER}: changes {tensor.name}, which memories do not")
        values = np.asarray(tensor.data, dtype=np.float32)
        if part == "lora_b":
            values = _turned(values, back[short], config, back=True)
        which = {"lora_a": "down", "lora_b": "up"}[part]
        found[f"{layer}.{back[short]}.{which}"] = torch.from_numpy(np.ascontiguousarray(values))
    return found


def _write_adapter(
    path: Path, trained: dict[str, NDArray[np.float32]], config: PretrainedConfig, alpha: float
) -> None:
    writer = gguf.GGUFWriter(path, str(config.model_type))
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for name, values in trained.items():
        layer, projection, which = name.split(".")
        if which == "up":
            part, rows = "lora_b", _turned(values, projection, config, back=False)
        else:
            part, rows = "lora_a", values
        halves = np.ascontiguousarray(rows, dtype=np.float16)
        writer.add_tensor(f"blk.{layer}.{_NAMES[projection]}.weight.{part}", halves)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _turned(
    values: NDArray[np.float32], projection: str, config: PretrainedConfig, *, back: bool
) -> NDArray[np.float32]:
    """Order the rows of what queries and keys get as the GGUF file has them, or back."""
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    if config.model_type not in _INTERLEAVED or projection not in heads:
        return values
    pairs = (-1, 2) if back else (2, -1)
    split = values.reshape(heads[projection], *pairs, values.shape[-1])
    return split.swapaxes(1, 2).reshape(values.shape)
