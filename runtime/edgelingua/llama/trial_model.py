"""A GGUF model of random weights, small enough to be written whenever a build is to be tried.

One matrix for each number format that llama.cpp has kernels of its own for, so that a forward pass
goes through all of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

VOCABULARY = 256
_WIDTH = 256  # whole blocks of every format, and rows enough for kernels that take many at once
_HEADS = 4
_ALIGNMENT = 32
_UINT32, _FLOAT32, _STRING = 4, 6, 8


@dataclass(frozen=True)
class _Format:
    """A number format: ggml's number for it, weights and bytes of a block, where its scales are.

    Scales are half-precision numbers; all other bytes may be anything.
    """

    number: int
    weights: int
    bytes: int
    scales: tuple[int, ...]


_F32 = _Format(0, 1, 4, ())
_Q4_0 = _Format(2, 32, 18, (0,))
_Q4_1 = _Format(3, 32, 20, (0, 2))
_Q5_0 = _Format(6, 32, 22, (0,))
_Q5_1 = _Format(7, 32, 24, (0, 2))
_Q8_0 = _Format(8, 32, 34, (0,))
_Q2_K = _Format(10, 256, 84, (80, 82))
_Q3_K = _Format(11, 256, 110, (108,))
_Q4_K = _Format(12, 256, 144, (0, 2))
_Q5_K = _Format(13, 256, 176, (0, 2))
_Q6_K = _Format(14, 256, 210, (208,))
_IQ4_NL = _Format(20, 32, 18, (0,))
_IQ4_XS = _Format(23, 256, 136, (0,))

_MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
_LAYERS = (
    (_Q4_0, _Q4_1, _Q8_0, _Q4_K, _Q5_K, _Q6_K, _IQ4_XS),
    (_Q5_0, _Q5_1, _Q2_K, _Q3_K, _IQ4_NL, _Q8_0, _Q4_0),
)


def write(path: Path) -> None:
    """Write the model, about 0.6 MB; it has no tokenizer and `VOCABULARY` token ids."""
    tensors = list(_tensors())
    header = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(_ENTRIES))]
    for key, (kind, value) in _ENTRIES.items():
        header += [_text(key), struct.pack("<I", kind)]
        if isinstance(value, str):
            header.append(_text(value))
        else:
            header.append(struct.pack("<f" if kind == _FLOAT32 else "<I", value))
    offset = 0
    for name, shape, form, data in tensors:
        header += [_text(name), struct.pack(f"<I{len(shape)}Q", len(shape), *shape)]
        header.append(struct.pack("<IQ", form.number, offset))
        offset += len(_padded(data))
    path.write_bytes(_padded(b"".join(header)) + b"".join(_padded(data) for *_, data in tensors))


_ENTRIES: dict[str, tuple[int, str | float]] = {
    "general.architecture": (_STRING, "llama"),
    "general.alignment": (_UINT32, _ALIGNMENT),
    "llama.vocab_size": (_UINT32, VOCABULARY),
    "llama.context_length": (_UINT32, 256),
    "llama.embedding_length": (_UINT32, _WIDTH),
    "llama.block_count": (_UINT32, len(_LAYERS)),
    "llama.feed_forward_length": (_UINT32, _WIDTH),
    "llama.attention.head_count": (_UINT32, _HEADS),
    "llama.rope.dimension_count": (_UINT32, _WIDTH // _HEADS),
    "llama.attention.layer_norm_rms_epsilon": (_FLOAT32, 1e-5),
    "tokenizer.ggml.model": (_STRING, "no_vocab"),
}


def _tensors() -> Iterator[tuple[str, tuple[int, ...], _Format, bytes]]:
    """Name, shape with the innermost dimension first, format, and bytes of each tensor."""
    random = np.random.default_rng(20824)
    norm = np.ones(_WIDTH, dtype="<f4").tobytes()
    yield "token_embd.weight", (_WIDTH, VOCABULARY), _Q8_0, _random(_Q8_0, VOCABULARY, random)
    yield "output_norm.weight", (_WIDTH,), _F32, norm
    yield "output.weight", (_WIDTH, VOCABULARY), _Q6_K, _random(_Q6_K, VOCABULARY, random)
    for layer, forms in enumerate(_LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            yield f"blk.{layer}.{name}.weight", (_WIDTH,), _F32, norm
        for name, form in zip(_MATRICES, forms, strict=True):
            data = _random(form, _WIDTH, random)
            yield f"blk.{layer}.{name}.weight", (_WIDTH, _WIDTH), form, data


def _random(form: _Format, rows: int, random: np.random.Generator) -> bytes:
    """Rows of random weights, their scales such that sums stay small."""
    blocks: NDArray[np.uint8] = random.integers(
        0, 256, (rows * _WIDTH // form.weights, form.bytes), dtype=np.uint8
    )
    scales = random.uniform(1e-4, 2e-4, (len(blocks), len(form.scales))).astype("<f2")
    for at, scale in zip(form.scales, scales.T, strict=True):
        blocks[:, at : at + 2] = np.ascontiguousarray(scale).view(np.uint8).reshape(-1, 2)
    return blocks.tobytes()


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)
