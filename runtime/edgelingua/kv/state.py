"""Cells of the KV cache: which token lies at which position, and what a policy may see of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import PolicyError

Signal = Literal["keys", "values", "queries", "attention"]
"""What a policy may ask of the engine; positions, tokens and importance are always there."""


@dataclass(frozen=True, eq=False)
class CellView:
    """What a policy sees: one row per cached token, in ascending order of position.

    ``positions`` ``(n,)`` int64; ``tokens`` ``(n,)`` int32, -1 for a memory's learned ones;
    ``pinned`` ``(n,)`` bool, cells that the session never evicts whatever the policy says;
    ``importance`` ``(n,)`` float32, higher = keep, as given with the tokens, NaN where nothing was
    given; ``query_positions`` ``(w,)``, where the last queries stood. See `signal` for what the
    engine says.
    """

    positions: NDArray[np.int64]
    tokens: NDArray[np.int32]
    pinned: NDArray[np.bool_]
    importance: NDArray[np.float32]
    query_positions: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    signals: Mapping[Signal, NDArray[np.float32]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.positions)

    def signal(self, name: Signal) -> NDArray[np.float32]:
        """Return what the engine says, for a policy that declared it.

        ``keys``, ``values``: ``(layers, n, kv heads, size)``. ``queries``: ``(layers, w, heads,
        size)``, those of the last tokens read. ``attention``: ``(layers, n)``, what each cell got
        from all queries since it came, mean over heads.

        Raises
        ------
        PolicyError
            The policy did not declare that it needs this.
        """
        if name not in self.signals:
            raise PolicyError(f"a policy reads {name!r}, which is not among its declared signals")
        return self.signals[name]


@dataclass(frozen=True, eq=False)
class Cells:
    """The session's book of the engine's cache. Positions ascend and may have gaps.

    A value: every change makes a new book, so that an interrupted change leaves the old one whole.
    The columns are those of `CellView`; ``group`` ``(n,)`` int32 says which turn a token belongs
    to; ``attention`` ``(layers, n)`` is the attention received so far, without rows if nobody asks.
    """

    positions: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    tokens: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    pinned: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    importance: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    group: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    attention: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros((0, 0), dtype=np.float32)
    )

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def next_position(self) -> int:
        """Position of the next token: behind the last cell."""
        return int(self.positions[-1]) + 1 if len(self) else 0

    def view(
        self,
        signals: Mapping[Signal, NDArray[np.float32]] | None = None,
        query_positions: NDArray[np.int64] | None = None,
    ) -> CellView:
        """Return a read-only view for a policy."""
        return CellView(
            positions=_locked(self.positions),
            tokens=_locked(self.tokens),
            pinned=_locked(self.pinned),
            importance=_locked(self.importance),
            query_positions=np.zeros(0, np.int64) if query_positions is None else query_positions,
            signals={name: _locked(values) for name, values in (signals or {}).items()},
        )

    def appended(
        self,
        tokens: NDArray[np.int32],
        pinned: NDArray[np.bool_] | bool = False,
        importance: NDArray[np.float32] | float = np.nan,
        group: NDArray[np.int32] | int = 0,
        positions: NDArray[np.int64] | None = None,
    ) -> Cells:
        """Return the book with cells behind the last one; ``positions``: not right behind it."""
        first, count = self.next_position, len(tokens)
        new = np.arange(first, first + count, dtype=np.int64) if positions is None else positions
        fresh = np.zeros((len(self.attention), count), dtype=np.float32)
        return Cells(
            np.concatenate([self.positions, new]),
            np.concatenate([self.tokens, tokens]),
            np.concatenate([self.pinned, np.broadcast_to(np.asarray(pinned, dtype=bool), count)]),
            np.concatenate(
                [self.importance, np.broadcast_to(np.asarray(importance, np.float32), count)]
            ),
            np.concatenate([self.group, np.broadcast_to(np.asarray(group, np.int32), count)]),
            np.concatenate([self.attention, fresh], axis=1),
        )

    def without(self, gone: NDArray[np.bool_]) -> Cells:
        """Return the book without the cells of the mask ``(n,)``."""
        kept = ~gone
        return Cells(
            self.positions[kept],
            self.tokens[kept],
            self.pinned[kept],
            self.importance[kept],
            self.group[kept],
            self.attention[:, kept],
        )

    def compacted(self) -> Cells:
        """Return the book with positions from 0 on and without gaps."""
        return replace(self, positions=np.arange(len(self), dtype=np.int64))

    def moves(self) -> list[tuple[int, int, int]]:
        """Moves ``(start, end, delta)`` of positions that close the gaps.

        Deltas are negative and the moves ascend, so that no move runs into cells not yet moved.
        """
        moves = []
        at = 0
        for start, end in runs(self.positions):
            if start != at:
                moves.append((start, end, at - start))
            at += end - start
        return moves


def runs(positions: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Maximal runs of consecutive values in ascending ``positions``, half-open."""
    if len(positions) == 0:
        return []
    breaks = np.flatnonzero(np.diff(positions) != 1) + 1
    pieces = np.split(positions, breaks)
    return [(int(piece[0]), int(piece[-1]) + 1) for piece in pieces]


def _locked(values: NDArray[Any]) -> NDArray[Any]:
    view = values.view()
    view.flags.writeable = False
    return view
