"""Attention of a few heads of a GGUF model, without the layers behind them (EHPC)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Count
from edgelingua.errors import ReaderError
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.state import Signal
from edgelingua.llama.engine import LlamaEngine
from edgelingua.llama.hook import Hook, Tensor
from edgelingua.llama.weights import Weights
from edgelingua.text.boundaries import inside_compound
from edgelingua.text.tokenizer import Encoding

_CHUNK = 128
"""Tokens read at once: without flash attention, memory grows with them."""

_ASKED: frozenset[Signal] = frozenset({"attention"})


class ReaderHeads:
    """Evaluator heads of a reader, for `scorers.heads.HeadScorer`.

    Each pass ends behind the last layer that has one of the heads: llama.cpp stops where its
    callback wants to see no more, and what that leaves undone is never read.

    Parameters
    ----------
    model
        The reader; another context is opened on its weights.
    heads
        (layer, query head), counted from 0; ``edgelingua-export heads`` finds them.
    window
        Most tokens it looks at together, at most the length it was trained for.

    Raises
    ------
    ReaderError
        The model has no such heads, or layers that slide a window over the text.
    """

    def __init__(
        self, model: Weights, heads: Sequence[tuple[int, int]], window: int = 1024
    ) -> None:
        layers, per_layer = model.layers, model.heads
        if not heads or not all(0 <= at < layers and 0 <= h < per_layer for at, h in heads):
            raise ReaderError(
                f"{model.path}: expected heads of its {layers} layers of {per_layer}, counted from "
                f"0, got {', '.join(f'{layer}.{head}' for layer, head in heads) or 'none'}"
            )
        if model.window:
            raise ReaderError(
                f"{model.path}: its sliding-window layers have an attention of their own, in which "
                "nothing can be looked for"
            )
        self._model = model
        self._hook = _HeadHook(heads)
        window = min(window, model.trained_length)
        options = CacheOptions(chunk=_CHUNK, flash_attention=False)
        self._engine = LlamaEngine(model, window, options, hook=self._hook)
        start = model.first if model.first >= 0 else model.end
        self._prefix = np.asarray([start], dtype=np.int32)[: int(start >= 0)]
        self.room = window - len(self._prefix)

    @property
    def count(self) -> Count:
        """Counts the reader's tokens."""
        return self._model.count

    def encode(self, text: str) -> Encoding:
        """Tokenize a text, nothing added.

        Raises
        ------
        ReaderError
            The model's tokens do not spell the text as it is.
        """
        ids = self._model.tokenize_part(text)
        pieces, raw = self._model.pieces(ids), text.encode()
        if b"".join(pieces) != raw:
            raise ReaderError(f"{self._model.path}: its tokens do not spell this text as it is")
        # A byte that goes on in a character has the bits 10.
        character = np.cumsum((np.frombuffer(raw, dtype=np.uint8) & 0xC0) != 0x80) - 1
        ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
        begins = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
        spans = np.stack([character[begins], character[ends - 1] + 1], axis=1).astype(np.int64)
        return Encoding(ids.astype(np.int64), spans, ~inside_compound(text)[spans[:, 0]])

    def attention(self, ids: NDArray[np.int64], queries: int) -> NDArray[np.float32]:
        """Read the last tokens behind the others; see `scorers.heads.Looker`."""
        tokens = np.concatenate([self._prefix, ids.astype(np.int32)])
        self._engine.remove(0, self._model.trained_length)
        first = len(tokens) - queries
        edges = [*range(0, first, _CHUNK), first, len(tokens)]
        cells = []
        for start, end in pairwise(edges):
            if start < end:
                listen = _ASKED if start == first else frozenset[Signal]()
                self._engine.decode(tokens[start:end], start, listen)
                cells.append(self._hook.taken())
        columns = np.concatenate(cells)[len(self._prefix) :]
        return self._hook.looked()[:, :, columns]


class _HeadHook(Hook):
    """Takes the weights of a few heads, and ends each pass behind the last of their layers."""

    def __init__(self, heads: Sequence[tuple[int, int]]) -> None:
        self._heads: dict[int, list[int]] = defaultdict(list)
        for layer, head in sorted(set(heads)):
            self._heads[layer].append(head)
        self._last = max(self._heads)
        super().__init__(0)

    def begin(self, listen: frozenset[Signal]) -> None:
        """Forget the last decode; weights are taken if ``listen`` is not empty."""
        super().begin(_ASKED)  # which cells the tokens go to is overheard in any case
        self._asked = bool(listen)

    def taken(self) -> NDArray[np.int64]:
        """Return the cell of each token of the last decode."""
        if self.cells is None:
            raise ReaderError("llama.cpp did not say which cells the tokens went to")
        return self.cells

    def looked(self) -> NDArray[np.float32]:
        """Return the weights ``(heads, t, cells)`` of the last decode, if it was asked for them."""
        if set(self.weights) != set(self._heads):
            raise ReaderError("llama.cpp did not show the attention of all layers asked for")
        return np.concatenate([self.weights[layer] for layer in sorted(self.weights)])

    def _called(self, address: int, ask: bool, context: Any) -> bool:
        if ask:
            return super()._called(address, ask, context)
        # No to the data itself stops the pass; that much of it was wanted.
        return super()._called(address, ask, context) and self._goes_on(
            Tensor.from_address(address)
        )

    def _goes_on(self, tensor: Tensor) -> bool:
        return self._error is None and tensor.layer < self._last

    def _wanted(self, address: int) -> bool:
        if not super()._wanted(address):
            return False
        layer = Tensor.from_address(address).layer
        return layer == self._last or (self._asked and layer in self._heads)

    def _take(self, tensor: Tensor) -> None:
        if self._asked:
            self.weights[tensor.layer] = self._softmax(tensor)[self._heads[tensor.layer]]
