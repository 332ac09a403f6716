"""A llama.cpp context with one sequence: the engine of a session."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import ReaderError, StateError
from edgelingua.kv import blob
from edgelingua.kv.engine import Adapter, Heard
from edgelingua.kv.interrupts import uninterrupted
from edgelingua.kv.memory import CellLayout, Memory
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.state import Signal, runs
from edgelingua.llama.adapter import LlamaAdapter
from edgelingua.llama.hook import Hook
from edgelingua.llama.library import BUILD, buffers, forget, llama_cpp, why
from edgelingua.llama.threads import usable
from edgelingua.llama.weights import Weights

_TYPES: Mapping[str, int] = {"f16": 1, "q4_0": 2, "q8_0": 8}
_BYTES = ctypes.POINTER(ctypes.c_uint8)
_GRAIN = 256
"""llama.cpp allocates and looks at cells by this many."""


def identity_of(model: Weights, options: CacheOptions) -> Mapping[str, Any]:
    """Return the `LlamaEngine.identity` of an engine, without the memory that one takes."""
    return {
        "model": model.digest,
        "library": BUILD,
        "keys": options.keys,
        "values": options.values,
        "flash_attention": options.flash,
    }


class LlamaEngine:
    """A llama.cpp context with one sequence: the engine of a `Session`.

    Parameters
    ----------
    model
        The model; kept alive as long as this.
    cap
        Cells needed.
    options
        How the cache is kept and read.
    probe
        Keep the attention weights of the last decode, all of them: for the self-test.
    hook
        What listens, in place of what ``options`` ask for.

    Attributes
    ----------
    predicts_all
        Whether decodes keep the logits of all their tokens, for `take_logits`; off at first.
    """

    def __init__(
        self,
        model: Weights,
        cap: int,
        options: CacheOptions | None = None,
        *,
        probe: bool = False,
        hook: Hook | None = None,
    ) -> None:
        self.model = model
        self.options = options = options or CacheOptions()
        self.cap = cap
        # The cache is allocated now, whole: the cap is what bounds memory, not the eviction.
        self.cells = -(-cap // _GRAIN) * _GRAIN
        if hook is None and options.hooks:
            hook = Hook(options.queries, keep_weights=probe)
        self._hook = hook
        self._position_of_cell = np.full(self.cells, -1, dtype=np.int64)
        self.predicts_all = False
        self._predicted: list[NDArray[np.float32]] = []
        self._shifted = False
        self._restored: NDArray[np.float32] | None = None
        self._read = self._decoding = False
        forget()
        with uninterrupted():  # it logs through Python
            self._context = llama_cpp.llama_init_from_model(model.handle, self._parameters())
            if not self._context:
                raise ReaderError(f"{model.path}: no context for {self.cells} cells: {why()}")
            # Holding the model keeps it alive until its context has gone; the hook, its callback.
            weakref.finalize(self, _free_context, self._context, model, self._hook)
        self._compute = sum(buffers("compute").values()) + sum(buffers("output").values())
        self._memory = llama_cpp.llama_get_memory(self._context)
        if not self._memory:
            raise ReaderError(f"{model.path}: this model has no KV cache, so it cannot generate")
        self._adapter: LlamaAdapter | None = None
        self._batches = {0: self._new_batch(0)}

    def _new_batch(self, width: int) -> Any:
        """Room for a chunk of tokens; of vectors of that ``width``, if it is not 0."""
        batch = llama_cpp.llama_batch_init(self.options.chunk, width, 1)
        weakref.finalize(self, llama_cpp.llama_batch_free, batch)
        return batch

    def _parameters(self) -> Any:
        options = self.options
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = self.cells
        params.n_batch = params.n_ubatch = options.chunk
        params.n_seq_max = 1
        self._threads = params.n_threads = params.n_threads_batch = self.model.threads
        params.no_perf = True
        params.type_k, params.type_v = _TYPES[options.keys], _TYPES[options.values]
        params.flash_attn_type = int(options.flash)
        # Sliding-window layers with as many cells as the others: else nothing could be moved when
        # the end of the trained length is reached. The cap bounds them all the same.
        params.swa_full = True
        if self._hook:
            params.cb_eval = self._hook.callback
        return params

    @property
    def trained_length(self) -> int:
        """Positions the model was trained for."""
        return self.model.trained_length

    @property
    def chunk(self) -> int:
        """Most tokens that one `decode` takes."""
        return self.options.chunk

    @property
    def window(self) -> int:
        """Positions that sliding-window layers look back; 0: all layers see everything."""
        return self.model.window

    @property
    def can_shift(self) -> bool:
        """Whether cached tokens can be moved to other positions."""
        movable = self.options.keys == "f16" or self.model.quantized_keys_move
        return movable and bool(llama_cpp.llama_memory_can_shift(self._memory))

    @property
    def cache_bytes(self) -> int:
        """Memory that the cache takes, used or not."""
        return self.cells * self.model.cell_bytes(self.options)

    @property
    def compute_bytes(self) -> int:
        """Memory set aside for what is computed between the layers, and for logits."""
        return self._compute

    @property
    def weight_bytes(self) -> int:
        """Memory that the model takes."""
        return self.model.weight_bytes

    @property
    def identity(self) -> Mapping[str, Any]:
        """What a `state` belongs to: the model's SHA-256, the library's version, the cache."""
        return identity_of(self.model, self.options)

    def sibling(self) -> LlamaEngine:
        """Return an engine like this one, its cache empty."""
        return LlamaEngine(self.model, self.cap, self.options)

    def decode(
        self,
        tokens: NDArray[np.int32] | NDArray[np.float32],
        first_position: int,
        listen: frozenset[Signal] = frozenset(),
        adapter: Adapter | None = None,
    ) -> Heard:
        """Append tokens, or vectors in place of them, at consecutive positions.

        The adapter works in this step alone: every step sets the one that it names, or none.

        Raises
        ------
        ReaderError
            llama.cpp could not decode, or listening to it failed; or it has not finished the last
            tokens: another thread is at it, or was when this process was forked. Or the vectors or
            the adapter are none of this model.
        """
        if not 0 < len(tokens) <= self.chunk:
            raise ReaderError(f"{len(tokens)} tokens at once: expected 1 to {self.chunk}")
        self._refuse_while_reading()
        self._use_threads(usable(self.model.threads))
        self._use_adapter(adapter)
        batch = self._filled(tokens)
        for index in range(len(tokens)):
            batch.pos[index] = first_position + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = self.predicts_all or index == len(tokens) - 1
        forget()
        if self._hook:
            self._hook.begin(listen)
        self._decoding = True
        try:
            outcome = llama_cpp.llama_decode(self._context, batch)
        finally:
            self._decoding = False
        if outcome != 0:
            raise ReaderError(
                f"llama.cpp could not decode {len(tokens)} tokens at position {first_position} "
                f"(code {outcome}): {why()}"
            )
        self._shifted = False
        self._restored = None
        self._read = True
        if self.predicts_all:
            pointer = llama_cpp.llama_get_logits(self._context)
            shape = (len(tokens), self.model.vocabulary_size)
            self._predicted.append(np.ctypeslib.as_array(pointer, shape).copy())
        return self._heard(first_position + np.arange(len(tokens)))

    def _filled(self, tokens: NDArray[np.int32] | NDArray[np.float32]) -> Any:
        """A batch of these tokens or vectors."""
        width = 0 if tokens.ndim == 1 else tokens.shape[1]
        if width and width != self.model.width:
            raise ReaderError(f"vectors of {width} numbers: this model has {self.model.width}")
        if width not in self._batches:
            self._batches[width] = self._new_batch(width)
        batch = self._batches[width]
        batch.n_tokens = len(tokens)
        numbers = np.ascontiguousarray(tokens, np.float32 if width else np.int32)
        ctypes.memmove(batch.embd if width else batch.token, numbers.ctypes.data, numbers.nbytes)
        return batch

    def _use_adapter(self, adapter: Adapter | None) -> None:
        """Have an adapter work from now on, or none; it costs nothing where that is so already."""
        if adapter is self._adapter:
            return
        if adapter is not None and not (
            isinstance(adapter, LlamaAdapter) and adapter.model is self.model
        ):
            raise ReaderError("the adapter was not loaded for this model")
        handles = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(adapter and adapter.handle)
        count = int(adapter is not None)
        scales = (ctypes.c_float * 1)(1.0)
        if llama_cpp.llama_set_adapters_lora(self._context, handles, count, scales) != 0:
            raise ReaderError(f"llama.cpp does not take this adapter: {why()}")
        self._adapter = adapter

    def _use_threads(self, threads: int) -> None:
        if threads != self._threads:
            llama_cpp.llama_set_n_threads(self._context, threads, threads)
            self._threads = threads

    def remove(self, start: int, end: int) -> None:
        """Drop the cells at positions ``start <= p < end``."""
        if not llama_cpp.llama_memory_seq_rm(self._memory, 0, start, end):
            raise ReaderError(f"llama.cpp cannot drop positions {start} to {end - 1}")
        held = self._position_of_cell
        held[(held >= start) & (held < end)] = -1

    def shift(self, start: int, end: int, delta: int) -> None:
        """Add ``delta`` to the positions ``start <= p < end``."""
        llama_cpp.llama_memory_seq_add(self._memory, 0, start, end, delta)
        held = self._position_of_cell
        held[(held >= start) & (held < end)] += delta
        self._shifted = True

    def logits(self) -> NDArray[np.float32]:
        """Logits ``(vocabulary,)`` after the last token decoded.

        Raises
        ------
        ReaderError
            Nothing has been read yet, or they are not numbers.
        """
        logits = self._restored
        if logits is None:
            pointer = self._read and llama_cpp.llama_get_logits_ith(self._context, -1)
            if not pointer:
                raise ReaderError("no logits yet: feed at least one token first")
            logits = np.ctypeslib.as_array(pointer, (self.model.vocabulary_size,))
        self._check_numbers(logits)
        return logits.copy()

    def take_logits(self) -> NDArray[np.float32]:
        """Logits ``(t, vocabulary)`` after each token decoded since they were last taken.

        To measure texts with: they are read in blocks, and every token is judged. Memory grows
        until they are taken.

        Raises
        ------
        ReaderError
            `predicts_all` was off, nothing has been read since, or they are not numbers.
        """
        if not self._predicted:
            raise ReaderError("no logits of all tokens: set predicts_all, and decode")
        taken, self._predicted = np.concatenate(self._predicted), []
        self._check_numbers(taken)
        return taken

    def states(
        self, names: frozenset[Signal], positions: NDArray[np.int64]
    ) -> Mapping[Signal, NDArray[np.float32]]:
        """Keys or values of the cells at ``positions``.

        Raises
        ------
        StateError
            llama.cpp does not say what was expected of it, or holds other cells.
        """
        if not names:
            return {}
        part = blob.parse(self.state())[0]
        order = np.argsort(part.positions)
        if not np.array_equal(part.positions[order], positions):
            raise StateError(
                f"llama.cpp holds {len(order)} cells, the session {len(positions)}, and not the "
                "same ones; has something else used this context?"
            )
        layers: dict[Signal, tuple[blob.Rows, ...]] = {"keys": part.keys, "values": part.values}
        try:
            return {name: self._in_order(layers[name], order) for name in sorted(names)}
        except ValueError as error:
            raise StateError(f"llama.cpp's keys or values are not as expected: {error}") from None

    def _in_order(
        self, layers: tuple[blob.Rows, ...], order: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Decode rows layer by layer: a second copy of all would cost as much as the cache."""
        first = layers[0].decoded()
        found = np.empty((len(layers), len(order), first.shape[1]), dtype=np.float32)
        for values, rows in zip(found, layers, strict=True):
            values[:] = rows.decoded()[order]
        return found.reshape(len(layers), len(order), self.model.kv_heads, -1)

    def _refuse_while_reading(self) -> None:
        if self._decoding:
            raise ReaderError(
                f"{self.model.path}: this session is still reading, in another thread or, if this "
                "process was forked meanwhile, in its parent; use a session in one thread, and "
                "fork between two steps"
            )

    def state(self) -> NDArray[np.uint8]:
        """Return the sequence's cells as llama.cpp serializes them.

        Raises
        ------
        ReaderError
            Another thread is reading, or was when this process was forked.
        """
        self._refuse_while_reading()
        if self._shifted:
            raise StateError("cells have been moved, and are not in order before the next decode")
        size = llama_cpp.llama_state_seq_get_size(self._context, 0)
        data = np.empty(size, dtype=np.uint8)
        pointer = data.ctypes.data_as(_BYTES)
        if llama_cpp.llama_state_seq_get_data(self._context, pointer, size, 0) != size:
            raise StateError(f"llama.cpp could not write down its cells: {why()}")
        return data

    @property
    def layout(self) -> CellLayout:
        """What memories for this engine are made of.

        Raises
        ------
        StateError
            None can be taken from this cache or put into it.
        """
        model, options = self.model, self.options
        if {options.keys, options.values} != {"f16"}:
            raise StateError(
                f"a cache in {options.keys}/{options.values}: memories need keys and values in f16"
            )
        if model.window or not model.plain_keys:
            raise StateError(
                f"{model.path}: its layers do not all keep the same keys and values of all tokens, "
                "as memories need"
            )
        return model.layout

    def clear(self) -> None:
        """Forget all that was read."""
        llama_cpp.llama_memory_clear(self._memory, False)
        self._position_of_cell[:] = -1
        self._shifted = self._read = False
        self._restored = None

    def splice(self, memory: Memory, positions: NDArray[np.int64]) -> None:
        """Put a memory's cells at ``positions``, behind those that are there; `logits` stay.

        llama.cpp itself turns the keys, so that they are what they would be if they had been there
        from the first.

        Raises
        ------
        StateError
            Keys cannot be turned here, or llama.cpp does not take the cells.
        """
        logits = self.logits()
        self._settle()
        before = blob.parse(self.state())[0]
        cells = blob.CachePart(
            memory.positions,
            *(
                tuple(
                    blob.Rows.halves(layer.reshape(len(memory), -1), rows.element)
                    for layer, rows in zip(layers, there, strict=True)
                )
                for layers, there in ((memory.keys, before.keys), (memory.values, before.values))
            ),
        )
        if not np.array_equal(memory.positions, positions):
            if not self.can_shift:
                raise StateError(
                    f"the memory was made for position {memory.start}, and this model's keys "
                    "cannot be moved"
                )
            self.load(blob.write(cells), logits)
            # First where it begins, then the gaps: no move runs into cells not yet moved.
            begin = int(positions[0] - memory.positions[0])
            self.shift(0, int(memory.positions[-1]) + 1, begin)
            moved = memory.positions + begin
            for start, end in runs(moved):
                delta = int((positions - moved)[np.searchsorted(moved, start)])
                if delta:
                    self.shift(start, end, delta)
            self._settle()
            cells = blob.parse(self.state())[0]
        self.load(blob.write(cells.behind(before)), logits)

    def _settle(self) -> None:
        """Have keys turned now that were moved: llama.cpp does it when it next reads something."""
        if not self._shifted:
            return
        behind = int(llama_cpp.llama_memory_seq_pos_max(self._memory, 0)) + 1
        self.decode(np.zeros(1, dtype=np.int32), behind)
        self.remove(behind, behind + 1)

    def load(self, state: NDArray[np.uint8], logits: NDArray[np.float32]) -> None:
        """Fill the cache with another engine's `state` alone; go on from its logits.

        Raises
        ------
        StateError
            The state is damaged, or of another model or cache.
        """
        positions = blob.parse(state)[0].positions
        if len(positions) > self.cells or logits.shape != (self.model.vocabulary_size,):
            raise StateError(
                f"{len(positions)} cells and {len(logits)} logits: expected at most {self.cells} "
                f"and {self.model.vocabulary_size}"
            )
        self.clear()
        forget()
        pointer = np.ascontiguousarray(state).ctypes.data_as(_BYTES)
        if llama_cpp.llama_state_seq_set_data(self._context, pointer, len(state), 0) != len(state):
            raise StateError(f"llama.cpp does not take these cells: {why()}")
        self._position_of_cell[: len(positions)] = positions  # into an empty cache, in order
        self._restored = logits.astype(np.float32)

    def overheard_weights(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Attention weights ``(layers, heads, t, n)`` of the last decode, if this probes."""
        if self._hook is None or not self._hook.weights:
            raise ReaderError("no attention weights were kept: this engine does not probe")
        cells = [int(np.flatnonzero(self._position_of_cell == at)[0]) for at in positions]
        weights = self._hook.weights
        return np.stack([weights[layer][:, :, cells] for layer in sorted(weights)])

    def _check_numbers(self, logits: NDArray[np.float32]) -> None:
        if not np.isfinite(logits.max(axis=-1)).all():  # NaN anywhere in a row makes this NaN
            raise ReaderError(
                f"{self.model.path}: the logits are not numbers; the file may be damaged, or the "
                f"model may not stand a cache in {self.options.keys}/{self.options.values}"
            )

    def _heard(self, positions: NDArray[np.int64]) -> Heard:
        if self._hook is None:
            return Heard()
        self._hook.end()
        queries = attention = None
        if self._hook.queries:
            queries = np.stack([self._hook.queries[layer] for layer in sorted(self._hook.queries)])
        if self._hook.attention:
            if self._hook.cells is None or len(self._hook.cells) != len(positions):
                raise ReaderError("llama.cpp did not say which cells the tokens went to")
            self._position_of_cell[self._hook.cells] = positions
            held = np.flatnonzero(self._position_of_cell >= 0)
            order = held[np.argsort(self._position_of_cell[held])]
            layers = [self._hook.attention[layer] for layer in sorted(self._hook.attention)]
            attention = np.stack(layers)[:, order]
            received = attention.sum(axis=1)
            if not np.allclose(received, len(positions), rtol=1e-2):
                raise ReaderError(
                    f"the attention of {len(positions)} tokens to the cells adds up to "
                    f"{received.min():.3f} to {received.max():.3f}"
                )
        return Heard(queries, attention)


def _free_context(context: Any, *_: object) -> None:
    llama_cpp.llama_free(context)
