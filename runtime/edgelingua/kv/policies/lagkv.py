"""LagKV: how much a token stands out, measured with the scale of the tokens behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import PolicyError
from edgelingua.kv.options import CacheType
from edgelingua.kv.policy import Ends, mean_rank
from edgelingua.kv.state import CellView, Signal


@dataclass(frozen=True)
class LagKV(Ends):
    """Keep what varies most on the next chunk's scale (Liang et al. 2025, arXiv:2504.04704).

    It compares channels one by one, so the cache must be f16: llama.cpp mixes the channels of
    quantized keys and values where it stores them.

    Parameters
    ----------
    lag
        Tokens in a chunk. What has no whole chunk behind it cannot be measured yet, and stays as
        long as anything measured can go.
    """

    lag: int = 64

    @property
    def signals(self) -> frozenset[Signal]:
        """What it needs of the engine besides positions."""
        return frozenset({"keys", "values"})

    @property
    def cache_types(self) -> frozenset[CacheType]:
        """Number formats of keys and values that it can work on."""
        return frozenset({"f16"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lag < 2:
            raise PolicyError(f"a lag of {self.lag} tokens: expected 2 or more")

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """Rank inside the chunk, mean over layers and heads; 2 where nothing can be measured."""
        scores = np.full(len(cells), 2.0)
        spread = self._spread(cells.signal("keys")) + self._spread(cells.signal("values"))
        for index in range(spread.shape[1]):
            start = self.sinks + index * self.lag
            scores[start : start + self.lag] = mean_rank(spread[:, index])
        return scores

    def _spread(self, states: NDArray[np.float32]) -> NDArray[np.float32]:
        """Softmax over a chunk of the deviation over channels: ``(rows, chunks, lag)``."""
        layers, n, heads, size = states.shape
        chunks = (n - self.sinks) // self.lag
        if chunks < 1:
            return np.zeros((layers * heads, 0, self.lag), dtype=np.float32)
        states = states[:, self.sinks : self.sinks + chunks * self.lag].transpose(0, 2, 1, 3)
        states = states.reshape(layers * heads, chunks, self.lag, size)
        low = states[:, 1:].min(axis=2, keepdims=True)
        high = states[:, 1:].max(axis=2, keepdims=True)
        scaled = (states[:, :-1] - low) / np.maximum(high - low, 1e-6)
        weights = np.exp(scaled.std(axis=-1))
        shares: NDArray[np.float32] = weights / weights.sum(axis=-1, keepdims=True)
        return shares
