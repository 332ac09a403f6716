"""An engine without a model, for what a session must hold on to whatever runs the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.kv.engine import Adapter, Heard
from edgelingua.kv.memory import CellLayout, Memory
from edgelingua.kv.state import Signal


class CountingEngine:
    """An engine that computes nothing and checks what every engine demands of a session."""

    trained_length = 300
    can_shift = True
    window = 0
    cache_bytes = weight_bytes = compute_bytes = 0

    def __init__(self, cap: int, chunk: int = 128) -> None:
        self.cap = cap
        self.chunk = chunk
        self.positions: list[int] = []
        self.fed = 0

    def decode(
        self,
        tokens: NDArray[np.int32] | NDArray[np.float32],
        first_position: int,
        listen: frozenset[Signal] = frozenset(),
        adapter: Adapter | None = None,
    ) -> Heard:
        assert 0 < len(tokens) <= self.chunk
        assert first_position == (self.positions[-1] + 1 if self.positions else 0)
        assert first_position + len(tokens) <= self.trained_length
        self.positions += range(first_position, first_position + len(tokens))
        self.fed += len(tokens)
        assert len(self.positions) <= self.cap, "the cap was exceeded"
        return Heard()

    def remove(self, start: int, end: int) -> None:
        assert self.positions[-1] >= end, "the last position was evicted"
        self.positions = [p for p in self.positions if not start <= p < end]

    def shift(self, start: int, end: int, delta: int) -> None:
        self.positions = [p + delta if start <= p < end else p for p in self.positions]
        assert self.positions == sorted(set(self.positions)), "cells ran into each other"

    def logits(self) -> NDArray[np.float32]:
        return np.zeros(3, dtype=np.float32)

    def states(
        self, names: frozenset[Signal], positions: NDArray[np.int64]
    ) -> Mapping[Signal, NDArray[np.float32]]:
        assert positions.tolist() == self.positions
        return {}

    identity: Mapping[str, Any] = {}
    layout = CellLayout("", "norm", 1, 1, 1, 1)

    def splice(self, memory: Memory, positions: NDArray[np.int64]) -> None:
        assert len(memory) == len(positions)
        assert positions[0] > self.positions[-1]
        assert positions[-1] < self.trained_length
        self.positions += positions.tolist()
        assert len(self.positions) <= self.cap, "the cap was exceeded"

    def clear(self) -> None:
        self.positions = []

    def sibling(self) -> CountingEngine:
        return CountingEngine(self.cap, self.chunk)

    def state(self) -> NDArray[np.uint8]:
        return np.zeros(0, dtype=np.uint8)

    def load(self, state: NDArray[np.uint8], logits: NDArray[np.float32]) -> None:
        raise NotImplementedError
