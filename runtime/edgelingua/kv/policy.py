"""What an eviction policy is, and what several of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import PolicyError
from edgelingua.kv.options import CACHE_TYPES, CacheType
from edgelingua.kv.state import CellView, Signal


class Policy(Protocol):
    """Decides which cached tokens matter. Stateless; the session does the evicting."""

    @property
    def signals(self) -> frozenset[Signal]:
        """What it needs of the engine besides positions; the session provides only that."""
        ...

    @property
    def cache_types(self) -> frozenset[CacheType]:
        """Number formats of keys and values that it can work on; most can work on all."""
        ...

    @property
    def queries(self) -> int:
        """How many of the last queries it looks at, if ``queries`` is among its signals."""
        ...

    @property
    def block(self) -> int | None:
        """How many cells should go at once; ``None`` leaves that to the session."""
        ...

    def protected(self, cells: CellView) -> NDArray[np.bool_]:
        """Cells that this policy never gives up: bool ``(n,)``. Signals are not there yet."""
        ...

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """Importance of each cell: ``(n,)``, higher = keep."""
        ...


@dataclass(frozen=True)
class Ends:
    """Base of policies that score what lies between the first tokens and the last ones.

    Parameters
    ----------
    sinks
        How many of the first tokens stay for ever: much attention goes to them whatever they say.
    recent
        How many of the last tokens stay in any case.

    Raises
    ------
    PolicyError
        A number below 0.
    """

    sinks: int = 4
    recent: int = 32

    @property
    def signals(self) -> frozenset[Signal]:
        """What it needs of the engine besides positions."""
        return frozenset()

    @property
    def cache_types(self) -> frozenset[CacheType]:
        """Number formats of keys and values that it can work on."""
        return CACHE_TYPES

    def __post_init__(self) -> None:
        for name, value in (("sinks", self.sinks), ("recent", self.recent)):
            if value < 0:
                raise PolicyError(f"{name} {value}: expected 0 or more")

    @property
    def queries(self) -> int:
        """None; policies that look at queries say how many."""
        return 0

    @property
    def block(self) -> int | None:
        """The session's own; see `policies.Blocked`."""
        return None

    def protected(self, cells: CellView) -> NDArray[np.bool_]:
        """The sinks and the most recent tokens."""
        index = np.arange(len(cells))
        return (index < self.sinks) | (index >= len(cells) - self.recent)


@dataclass(frozen=True)
class Around:
    """Base of wrappers: what one does not change is that of the policy inside.

    Parameters
    ----------
    policy
        The policy that scores.
    """

    policy: Policy

    @property
    def signals(self) -> frozenset[Signal]:
        """Those of the policy."""
        return self.policy.signals

    @property
    def cache_types(self) -> frozenset[CacheType]:
        """Those of the policy."""
        return self.policy.cache_types

    @property
    def queries(self) -> int:
        """Those of the policy."""
        return self.policy.queries

    @property
    def block(self) -> int | None:
        """That of the policy."""
        return self.policy.block

    def protected(self, cells: CellView) -> NDArray[np.bool_]:
        """What the policy protects."""
        return self.policy.protected(cells)

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """What the policy says."""
        return self.policy.scores(cells)


def mean_rank(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean over the rows of ``scores`` ``(rows, n)`` of each column's rank, 0 to 1.

    Layers and heads differ in scale by orders of magnitude; ranks let each have one vote. Columns
    that tie in a row share their rank.
    """
    rows, n = scores.shape
    order = np.argsort(scores, axis=1, kind="stable")
    ordered = np.take_along_axis(scores, order, axis=1)
    # A tie's first place stands for all of it.
    places = np.broadcast_to(np.arange(n), (rows, n)).copy()
    places[:, 1:][ordered[:, 1:] == ordered[:, :-1]] = 0
    places = np.maximum.accumulate(places, axis=1)
    ranks = np.empty((rows, n), dtype=np.float64)
    np.put_along_axis(ranks, order, places / max(1, n - 1), axis=1)
    means: NDArray[np.float64] = ranks.mean(axis=0)
    return means


def attention(cells: CellView) -> NDArray[np.float32]:
    """Attention weights ``(layers, heads, w, n)`` of the last queries over the cells' keys.

    Queries and keys are those after rotary embedding, so their product is the engine's own; a query
    sees the cells up to its position.
    """
    queries, keys = cells.signal("queries"), cells.signal("keys")
    layers, width, heads, size = queries.shape
    groups = keys.shape[2]
    # Query head h reads key head h // (heads / groups).
    grouped = queries.reshape(layers, width, groups, heads // groups, size)
    grouped = grouped.transpose(0, 2, 3, 1, 4).reshape(layers, groups, -1, size)
    logits = grouped @ keys.transpose(0, 2, 3, 1) / np.float32(np.sqrt(size))
    logits = logits.reshape(layers, heads, width, len(cells))
    logits[..., cells.query_positions[:, None] < cells.positions] = -np.inf
    logits -= logits.max(axis=-1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=-1, keepdims=True)
    return logits
