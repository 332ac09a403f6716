"""A causal language model's graph with a KV cache, and how to feed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.bundle.manifest import Attention, Cache, Variant
from edgelingua.errors import InferenceError
from edgelingua.ort.session import Graph, Value

CHUNK = 256
"""Tokens per run: bounds the logits the graph holds at once (256 x 49,152 floats are 50 MB)."""

Past = dict[str, NDArray[Any] | Value]
"""Keys and values of what was read, by the name of the input that takes them."""


@dataclass(frozen=True)
class CausalModel:
    """A graph with a KV cache, and how to feed it; without ``targets``, it gives no NLL."""

    graph: Graph
    variant: Variant
    cache: Cache
    targets: str | None = None
    nll: str | None = None

    def nothing(self) -> Past:
        """Return the keys and values of no token."""
        empty = np.zeros((1, self.cache.heads, 0, self.cache.head_size), dtype=np.float32)
        return dict.fromkeys((past for past, _ in self.cache.names), empty)

    def run_all(
        self, ids: NDArray[np.int64], targets: NDArray[np.int64], past: Past, length: int
    ) -> tuple[NDArray[np.float32], Past, int]:
        """Run ``ids`` chunk by chunk; return the NLL of ``targets``, the new past, its length.

        There is a target for each of the ids, or none at all.
        """
        nll = np.zeros(len(targets), dtype=np.float32)
        for start in range(0, len(ids), CHUNK):
            chunk, wanted = ids[start : start + CHUNK], targets[start : start + CHUNK]
            nll[start : start + len(wanted)], past = self.run(chunk, wanted, past, length)
            length += len(chunk)
        return nll, past, length

    def run(
        self, ids: NDArray[np.int64], targets: NDArray[np.int64], past: Past, length: int
    ) -> tuple[NDArray[np.float32], Past]:
        """Run ``ids`` behind ``past``; return the NLL of ``targets``, and the new past.

        The targets follow the last of the ``ids``, as many as there are.
        """
        names = self.cache.names
        feeds = self._feeds(ids, targets, past, length)
        scores = [self.nll] if self.nll else []
        outputs = self.graph.run(feeds, [*scores, *(p for _, p in names)])
        nll = outputs.pop(0).numpy() if scores else np.zeros((1, 0), dtype=np.float32)
        if nll.shape != (1, len(targets)):
            raise InferenceError(
                f"the model's output has shape {nll.shape}, expected (1, {len(targets)})"
            )
        return nll[0], dict(zip((p for p, _ in names), outputs, strict=True))

    def attention(
        self, ids: NDArray[np.int64], queries: int, shown: Attention
    ) -> NDArray[np.float32]:
        """Read ``ids`` ``(T,)``: what the last ones attend to, ``(heads, queries, T)``."""
        read, asking = ids[:-queries], ids[-queries:]
        _, past, length = self.run_all(read, read[:0], self.nothing(), 0)
        feeds = self._feeds(asking, read[:0], past, length)
        (weights,) = self.graph.run(feeds, [shown.output])
        result: NDArray[np.float32] = weights.numpy()
        expected = (1, len(shown.heads), queries, len(ids))
        if result.shape != expected:
            raise InferenceError(f"attention of shape {result.shape}, expected {expected}")
        of_one: NDArray[np.float32] = result[0]
        return of_one

    def _feeds(
        self, ids: NDArray[np.int64], targets: NDArray[np.int64], past: Past, length: int
    ) -> Past:
        end = length + len(ids)
        feeds = past | {
            self.variant.ids: ids[None],
            self.variant.mask: np.ones((1, end), dtype=np.int64),
        }
        if self.targets:
            feeds[self.targets] = targets[None]
        if self.variant.positions:
            feeds[self.variant.positions] = np.arange(length, end, dtype=np.int64)[None]
        return feeds
