"""Cells of the KV cache: which token lies at which position, and what a policy may see of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class CellView:
    """What a policy sees: one row per cached token, in ascending order of position.

    ``positions`` ``(n,)`` int64; ``tokens`` ``(n,)`` int32; ``pinned`` ``(n,)`` bool, cells that
    the session never evicts whatever the policy says.
    """

    positions: NDArray[np.int64]
    tokens: NDArray[np.int32]
    pinned: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(eq=False)
class Cells:
    """The session's book of the engine's cache. Positions ascend and may have gaps."""

    positions: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    tokens: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    pinned: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def next_position(self) -> int:
        """Position of the next token: behind the last cell."""
        return int(self.positions[-1]) + 1 if len(self) else 0

    def view(self) -> CellView:
        """Return a read-only view for a policy."""
        view = CellView(self.positions.view(), self.tokens.view(), self.pinned.view())
        for column in (view.positions, view.tokens, view.pinned):
            column.flags.writeable = False
        return view

    def append(self, tokens: NDArray[np.int32], pinned: NDArray[np.bool_]) -> None:
        """Add cells behind the last one."""
        first = self.next_position
        added = np.arange(first, first + len(tokens), dtype=np.int64)
        self.positions = np.concatenate([self.positions, added])
        self.tokens = np.concatenate([self.tokens, tokens])
        self.pinned = np.concatenate([self.pinned, pinned])

    def remove(self, evicted: NDArray[np.bool_]) -> list[tuple[int, int]]:
        """Drop the cells of the mask ``(n,)``; return them as runs of positions, half-open."""
        gone = self.positions[evicted]
        kept = ~evicted
        self.positions, self.tokens = self.positions[kept], self.tokens[kept]
        self.pinned = self.pinned[kept]
        return runs(gone)

    def compact(self) -> list[tuple[int, int, int]]:
        """Number the cells from 0 without gaps; return the moves ``(start, end, delta)``.

        Deltas are negative and the moves ascend, so that no move runs into cells not yet moved.
        """
        moves = []
        at = 0
        for start, end in runs(self.positions):
            if start != at:
                moves.append((start, end, at - start))
            at += end - start
        self.positions = np.arange(len(self), dtype=np.int64)
        return moves


def runs(positions: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Maximal runs of consecutive values in ascending ``positions``, half-open."""
    if len(positions) == 0:
        return []
    breaks = np.flatnonzero(np.diff(positions) != 1) + 1
    pieces = np.split(positions, breaks)
    return [(int(piece[0]), int(piece[-1]) + 1) for piece in pieces]
