"""Queries overheard piece by piece, of which the last ones are asked for at an eviction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Queries:
    """Queries: ``values`` ``(layers, w, heads, size)`` of the tokens at ``positions`` ``(w,)``."""

    values: NDArray[np.float32]
    positions: NDArray[np.int64]


NO_QUERIES = Queries(np.zeros((0, 0, 0, 0), np.float32), np.zeros(0, np.int64))


@dataclass(frozen=True, eq=False)
class Overheard:
    """The last queries, as they came; a value, like the book. False where there are none.

    They are joined when somebody asks, which is not at every token.
    """

    pieces: tuple[Queries, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.pieces)

    def heard(self, queries: Queries, width: int) -> Overheard:
        """Return these and newer ones; older ones than the last ``width`` are forgotten."""
        pieces = (*self.pieces, queries)
        while sum(len(piece.positions) for piece in pieces[1:]) >= width:
            pieces = pieces[1:]
        return Overheard(pieces)

    def last(self, width: int) -> Queries:
        """Return at most ``width`` of them, joined."""
        if not self.pieces:
            return NO_QUERIES
        values = np.concatenate([piece.values for piece in self.pieces], axis=1)
        positions = np.concatenate([piece.positions for piece in self.pieces])
        return Queries(values[:, -width:], positions[-width:])

    def before(self, position: int) -> Overheard:
        """Return those of tokens before a position."""
        pieces = []
        for piece in self.pieces:
            held = piece.positions < position
            if held.any():
                pieces.append(Queries(piece.values[:, held], piece.positions[held]))
        return Overheard(tuple(pieces))
