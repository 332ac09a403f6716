"""What a session needs of an inference engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgelingua.kv.memory import CellLayout, Memory
from edgelingua.kv.state import Signal


@dataclass(frozen=True, eq=False)
class Heard:
    """What an engine overheard while it read ``t`` tokens.

    ``queries`` ``(layers, t, heads, size)`` after rotary embedding; ``attention`` ``(layers, n)``:
    what these tokens paid to each cell, in ascending order of position, themselves included; summed
    over the tokens, mean over heads. ``None`` where nobody asked.
    """

    queries: NDArray[np.float32] | None = None
    attention: NDArray[np.float32] | None = None


class Adapter(Protocol):
    """A change of a model's weights for single reads, as a LoRA (arXiv:2106.09685)."""

    @property
    def digest(self) -> str:
        """SHA-256 of what it is made of."""
        ...


class Engine(Protocol):
    """An inference engine with one sequence in its cache."""

    @property
    def trained_length(self) -> int:
        """Positions the model was trained for."""
        ...

    @property
    def chunk(self) -> int:
        """Most tokens that one `decode` takes."""
        ...

    @property
    def window(self) -> int:
        """Positions that sliding-window layers look back; 0: all layers see everything."""
        ...

    @property
    def can_shift(self) -> bool:
        """Whether cached tokens can be moved to other positions."""
        ...

    def decode(
        self,
        tokens: NDArray[np.int32] | NDArray[np.float32],
        first_position: int,
        listen: frozenset[Signal] = frozenset(),
        adapter: Adapter | None = None,
    ) -> Heard:
        """Append tokens at consecutive positions; logits of the last one become available.

        Learned tokens come as vectors ``(t, width)`` in place of the model's own embeddings. The
        adapter works in this step, and in none that does not name it.
        """
        ...

    def remove(self, start: int, end: int) -> None:
        """Drop the cells at positions ``start <= p < end``."""
        ...

    def shift(self, start: int, end: int, delta: int) -> None:
        """Add ``delta`` to the positions ``start <= p < end``."""
        ...

    def logits(self) -> NDArray[np.float32]:
        """Logits ``(vocabulary,)`` after the last token decoded."""
        ...

    def states(
        self, names: frozenset[Signal], positions: NDArray[np.int64]
    ) -> Mapping[Signal, NDArray[np.float32]]:
        """Keys or values of the cells at ``positions``, as `CellView.signal` has them."""
        ...

    @property
    def layout(self) -> CellLayout:
        """What memories for this engine are made of.

        Raises `StateError` where the cache is none that a memory can be taken from or put into.
        """
        ...

    def splice(self, memory: Memory, positions: NDArray[np.int64]) -> None:
        """Put a memory's cells at ``positions``, behind those that are there; `logits` stay."""
        ...

    def clear(self) -> None:
        """Forget all that was read."""
        ...

    @property
    def cache_bytes(self) -> int:
        """Memory that the cache takes, used or not."""
        ...

    @property
    def weight_bytes(self) -> int:
        """Memory that the model takes."""
        ...

    @property
    def compute_bytes(self) -> int:
        """Memory for what is computed between the layers."""
        ...

    @property
    def identity(self) -> Mapping[str, Any]:
        """What `state` belongs to: model, library, cache; as JSON takes it."""
        ...

    def sibling(self) -> Engine:
        """Return an engine like this one, its cache empty."""
        ...

    def state(self) -> NDArray[np.uint8]:
        """Return the cache as bytes."""
        ...

    def load(self, state: NDArray[np.uint8], logits: NDArray[np.float32]) -> None:
        """Fill the cache with a `state` alone; `logits` are the given ones until the next decode.

        Raises `StateError` where it is none of this engine's.
        """
        ...
