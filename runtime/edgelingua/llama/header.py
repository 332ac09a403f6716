"""What a GGUF file says of itself, looked at before llama.cpp does.

llama.cpp ends the whole process over a few numbers instead of refusing the file. Those that were
found by trying damaged files are refused here, read with llama.cpp's own reader of such headers.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edgelingua.errors import ReaderError
from edgelingua.llama.library import libggml

_UINT32, _FLOAT32, _STRING, _ARRAY = 4, 6, 8, 9
_MOST = 2**31 - 1

# Sizes are multiplied in 32 bits: what is too large can come out as what a tensor has.
_RANGES: Mapping[str, tuple[int, int]] = {
    "block_count": (1, 512),  # LLAMA_MAX_LAYERS
    "context_length": (1, _MOST),
    "attention.sliding_window": (0, _MOST),
    "attention.head_count": (0, 4096),
    "attention.head_count_kv": (0, 4096),
    "attention.key_length": (1, 8192),
    "attention.value_length": (1, 8192),
    "attention.key_length_swa": (1, 8192),
    "attention.value_length_swa": (1, 8192),
    "rope.dimension_count": (0, 8192),
    "embedding_length": (1, 2**20),
    "feed_forward_length": (0, 2**24),
    "expert_count": (0, 4096),
    "expert_used_count": (0, 4096),
    "vocab_size": (0, 2**24),
}
_EPSILONS = ("attention.layer_norm_epsilon", "attention.layer_norm_rms_epsilon")


class _Options(ctypes.Structure):
    """gguf's parameters: not to look at tensors."""

    _fields_ = (("no_alloc", ctypes.c_bool), ("context", ctypes.c_void_p))


_open = libggml.gguf_init_from_file
_open.argtypes = [ctypes.c_char_p, _Options]
_open.restype = ctypes.c_void_p
_free = libggml.gguf_free
_free.argtypes = [ctypes.c_void_p]
_free.restype = None
_find = libggml.gguf_find_key
_find.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_find.restype = ctypes.c_int64
_type = libggml.gguf_get_kv_type
_type.argtypes = [ctypes.c_void_p, ctypes.c_int64]
_type.restype = ctypes.c_int
_list_type, _list_size = libggml.gguf_get_arr_type, libggml.gguf_get_arr_n
_list_string = libggml.gguf_get_arr_str
_list_string.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_size_t]
_list_string.restype = ctypes.c_char_p
_uint32, _float32, _string = (
    libggml.gguf_get_val_u32,
    libggml.gguf_get_val_f32,
    libggml.gguf_get_val_str,
)
for _function, _result in (
    (_uint32, ctypes.c_uint32),
    (_float32, ctypes.c_float),
    (_string, ctypes.c_char_p),
    (_list_type, ctypes.c_int),
    (_list_size, ctypes.c_size_t),
):
    _function.argtypes = [ctypes.c_void_p, ctypes.c_int64]
    _function.restype = _result


def check(path: Path) -> None:
    """Refuse a file whose numbers would end the process; what else is wrong, llama.cpp says.

    Raises
    ------
    ReaderError
        A number is out of range.
    """
    with _opened(path) as header:
        if not header:
            return
        architecture = _architecture(header)
        if architecture is None:
            return
        for key, (low, high) in _RANGES.items():
            value = _value(header, f"{architecture}.{key}", _UINT32)
            if value is not None and not low <= value <= high:
                raise _damaged(path, key, value, f"{low} to {high}")
        for key in _EPSILONS:
            value = _value(header, f"{architecture}.{key}", _FLOAT32)
            if value is not None and not value >= 0:  # nor is it if it is no number
                raise _damaged(path, key, value, "0 or more")
        _check_tokens(path, header)


def _check_tokens(path: Path, header: int) -> None:
    """Refuse a vocabulary that has a token twice, or bytes that it cannot tokenize."""
    at = _find(header, b"tokenizer.ggml.tokens")
    if at < 0 or _type(header, at) != _ARRAY or _list_type(header, at) != _STRING:
        return
    count = _list_size(header, at)
    # An empty one gets this name from llama.cpp.
    texts = {_list_string(header, at, n) or b"[EMPTY_%d]" % n for n in range(count)}
    if len(texts) != count:
        raise ReaderError(
            f"{path}: {count - len(texts)} of its {count} tokens are there twice; the file is "
            "damaged, download it again"
        )
    model = _find(header, b"tokenizer.ggml.model")
    if model < 0 or _type(header, model) != _STRING or _string(header, model) != b"llama":
        return
    for byte in range(256):
        if not texts & {b"<0x%02X>" % byte, bytes([byte])}:
            raise ReaderError(
                f"{path}: its vocabulary has no token for the byte {byte:#04x}, and llama.cpp ends "
                "the process where a text has it; the file is damaged, download it again"
            )


def lists(path: Path, key: str) -> bool:
    """Whether the header has a value for each layer under a key, below the architecture's name."""
    with _opened(path) as header:
        architecture = _architecture(header) if header else None
        if header is None or architecture is None:
            return False
        at = _find(header, f"{architecture}.{key}".encode())
        return at >= 0 and bool(_type(header, at) == _ARRAY)


def _architecture(header: int) -> str | None:
    at = _find(header, b"general.architecture")
    if at < 0 or _type(header, at) != _STRING:
        return None
    name: bytes = _string(header, at)
    return name.decode(errors="replace")


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    header = _open(os.fsencode(path), _Options(no_alloc=True, context=None))
    try:
        yield header
    finally:
        if header:
            _free(header)


def _value(header: int, key: str, kind: int) -> float | None:
    """Return a number of the header; ``None`` if there is none, or one of another type."""
    at = _find(header, key.encode())
    if at < 0 or _type(header, at) != kind:
        return None
    value: float = (_uint32 if kind == _UINT32 else _float32)(header, at)
    return value


def _damaged(path: Path, key: str, value: float, expected: str) -> ReaderError:
    return ReaderError(
        f"{path}: its header says {key} {value}: expected {expected}; the file is damaged, "
        "download it again"
    )
