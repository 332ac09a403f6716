"""A loaded GGUF file: its weights, what they take in memory, and what its header says of them."""

from __future__ import annotations

import ctypes
import time
import weakref
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from edgelingua.errors import ReaderError
from edgelingua.files.safe import hash_file, open_regular
from edgelingua.kv.interrupts import uninterrupted
from edgelingua.kv.memory import CellLayout
from edgelingua.kv.options import CacheOptions
from edgelingua.llama import header, loading
from edgelingua.llama.library import buffers, forget, llama_cpp, why
from edgelingua.llama.vocabulary import Vocabulary
from edgelingua.system.cores import available_cores
from edgelingua.system.logs import logger
from edgelingua.system.measure import mapped_rss

_log = logger(__name__)

_ROTARY: Mapping[int, str] = {
    llama_cpp.LLAMA_ROPE_TYPE_NONE: "none",
    llama_cpp.LLAMA_ROPE_TYPE_NORM: "norm",
    llama_cpp.LLAMA_ROPE_TYPE_NEOX: "neox",
}


class Weights(Vocabulary):
    """A GGUF model as an engine needs it: the weights in memory, and the tokenizer.

    Parameters
    ----------
    path
        The ``.gguf`` file.
    threads
        Threads for reading and writing; 0: one per core this process may use, at most 8. In a
        process forked after they were started there is one, whatever this says.
    vocabulary_only
        Load the tokenizer only, to count tokens: fast, a few megabytes.

    Raises
    ------
    ReaderError
        Not a GGUF file, damaged, or an architecture whose cache cannot be capped.
    """

    def __init__(
        self, path: str | Path, *, threads: int = 0, vocabulary_only: bool = False
    ) -> None:
        path = Path(path)
        _check_magic(path)
        forget()
        started = time.perf_counter()
        with uninterrupted():  # it logs through Python
            header.check(path)
            self.handle = loading.load(path, vocabulary_only=vocabulary_only)
            if not self.handle:
                raise ReaderError(
                    f"{path}: llama.cpp cannot load it: {why()}; download it again, or see "
                    "whether this llama-cpp-python knows the architecture"
                )
            weakref.finalize(self, llama_cpp.llama_model_free, self.handle)
        self._buffers = buffers("model")
        super().__init__(path, self.handle)
        self.threads = threads or available_cores()
        spent, what = time.perf_counter() - started, "vocabulary" if vocabulary_only else "model"
        _log.info("%s: %s loaded in %.2f s, %d threads", path.name, what, spent, self.threads)
        if not vocabulary_only:
            self._refuse_uncappable()

    @property
    def trained_length(self) -> int:
        """Context length the model was trained for, in tokens."""
        return int(llama_cpp.llama_model_n_ctx_train(self.handle))

    @property
    def window(self) -> int:
        """Positions that sliding-window layers look back; 0: there are none."""
        return int(llama_cpp.llama_model_n_swa(self.handle))

    @property
    def parameters(self) -> int:
        """How many weights it has."""
        return int(llama_cpp.llama_model_n_params(self.handle))

    @property
    def layers(self) -> int:
        """Layers it has."""
        return int(llama_cpp.llama_model_n_layer(self.handle))

    @property
    def heads(self) -> int:
        """Query heads of each layer."""
        return int(llama_cpp.llama_model_n_head(self.handle))

    @property
    def kv_heads(self) -> int:
        """Heads that keys and values have in each layer."""
        return int(llama_cpp.llama_model_n_head_kv(self.handle))

    @cached_property
    def plain_keys(self) -> bool:
        """Whether policies can compare keys and values: the same heads, as they are, in all layers.

        Not where heads differ from layer to layer, nor where the cache holds them compressed (MLA,
        arXiv:2405.04434).
        """
        differ = header.lists(self.path, "attention.head_count_kv")
        return not differ and self._metadata("attention.kv_lora_rank") is None

    @property
    def quantized_keys_move(self) -> bool:
        """Whether quantized keys can be moved to other positions.

        llama.cpp spoils them where rotary embedding leaves a part of each head alone, and crashes
        where the size of a head is no multiple of 64.
        """
        size = self._head_size("key")
        return size % 64 == 0 and self._number("rope.dimension_count") in (None, size)

    @property
    def width(self) -> int:
        """Numbers in a token's embedding."""
        return int(llama_cpp.llama_model_n_embd(self.handle))

    @cached_property
    def layout(self) -> CellLayout:
        """What is in a cell; only for models with `plain_keys`."""
        rotary = int(llama_cpp.llama_model_rope_type(self.handle))
        return CellLayout(
            reader=self.digest,
            rotary=_ROTARY.get(rotary, f"type {rotary}"),
            layers=int(llama_cpp.llama_model_n_layer(self.handle)),
            heads=self.kv_heads,
            key_size=self._head_size("key"),
            value_size=self._head_size("value"),
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return hash_file(self.path)

    @property
    def weights_mb(self) -> float:
        """Size of the weights in MB (10^6 bytes)."""
        return float(llama_cpp.llama_model_size(self.handle)) / 1e6

    @property
    def weight_bytes(self) -> int:
        """Memory that the weights take now.

        The file is mapped: of it counts what is in memory, and that can be less than all of it.
        """
        mapped, copied = loading.mapped_and_copied(self._buffers)
        resident = mapped_rss(self.path)
        return copied + (mapped if resident is None else min(mapped, resident))

    @property
    def how_loaded(self) -> str:
        """How the weights are kept in memory, in words; see `loading`."""
        return loading.explain(self._buffers)

    def cell_bytes(self, cache: CacheOptions) -> int:
        """Bytes that one cached token takes in all layers, which must be alike."""
        per_layer = sum(
            _bytes_of(self._head_size(name) * self.kv_heads, kind)
            for name, kind in (("key", cache.keys), ("value", cache.values))
        )
        return per_layer * int(llama_cpp.llama_model_n_layer(self.handle))

    def _number(self, key: str) -> int | None:
        """Return a number from the file's metadata, below the architecture's name."""
        found = self._metadata(key)
        return int(found) if found is not None and found.isdecimal() else None

    def _metadata(self, key: str) -> str | None:
        """Return an entry of the file's metadata, below the architecture's name."""
        buffer = ctypes.create_string_buffer(64)
        found = llama_cpp.llama_model_meta_val_str(
            self.handle, b"general.architecture", buffer, len(buffer)
        )
        name = buffer.value + f".{key}".encode()
        found = llama_cpp.llama_model_meta_val_str(self.handle, name, buffer, len(buffer))
        return buffer.value.decode(errors="replace") if found > 0 else None

    def _head_size(self, name: str) -> int:
        """Size of a key or a value in one head."""
        heads = int(llama_cpp.llama_model_n_head(self.handle))
        return self._number(f"attention.{name}_length") or self.width // heads

    def _refuse_uncappable(self) -> None:
        for refused, what in (
            (llama_cpp.llama_model_is_recurrent(self.handle), "is recurrent"),
            (llama_cpp.llama_model_is_hybrid(self.handle), "is partly recurrent"),
            (llama_cpp.llama_model_has_encoder(self.handle), "has an encoder"),
            (llama_cpp.llama_model_is_diffusion(self.handle), "writes by diffusion"),
            (self._metadata("attention.causal") == "false", "reads in both directions"),
        ):
            if refused:
                raise ReaderError(
                    f"{self.path}: this model {what}; only decoders with a plain KV cache can be "
                    "capped"
                )


def _bytes_of(values: int, kind: str) -> int:
    """Bytes that a row of numbers takes in a cache type."""
    return {"f16": 2 * values, "q8_0": values // 32 * 34, "q4_0": values // 32 * 18}[kind]


def _check_magic(path: Path) -> None:
    try:
        with open_regular(path) as file:  # a pipe would keep us waiting
            magic = file.read(4)
    except OSError as error:
        raise ReaderError(f"{path}: cannot be read ({error.strerror})") from None
    if magic != b"GGUF":
        raise ReaderError(f"{path}: not a GGUF file: it starts with {magic!r}, not b'GGUF'")
