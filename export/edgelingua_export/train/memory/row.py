"""One row of tokens, and what is said of each: where it stands, and what it belongs to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelingua_export.errors import ExportError


class Row:
    """A row of `packing.Packed` that grows, and is filled up to its length."""

    def __init__(self, length: int) -> None:
        self._length, self.position, self.whole_position = length, 0, 0
        self._parts: list[list[NDArray[np.generic]]] = []

    def add(
        self,
        tokens: NDArray[np.integer],
        *,
        segment: int = -1,
        block: int = -1,
        target: NDArray[np.int64] | int = 0,
        learned: bool = False,
        cell: NDArray[np.bool_] | bool = False,
    ) -> None:
        """Add tokens behind those that are there; what is said of them goes for all, or for each.

        Learned tokens have no place of their own beside the document itself.
        """
        count = len(tokens)
        steps = np.arange(count)
        self._parts.append(
            [
                tokens.astype(np.int64),
                self.position + steps,
                self.whole_position + steps * (not learned),
                *(np.broadcast_to(np.int64(v), count) for v in (segment, block)),
                np.broadcast_to(np.asarray(target, np.int64), count),
                np.broadcast_to(np.asarray(learned), count),
                np.broadcast_to(np.asarray(cell), count),
                np.ones(count, bool),
            ]
        )
        self.position += count
        self.whole_position += 0 if learned else count

    def columns(self) -> list[NDArray[np.generic]]:
        """Return the row as the arrays of a `packing.Packed`, in their order.

        Raises
        ------
        ExportError
            There is more than fits.
        """
        columns = [np.concatenate(part) for part in zip(*self._parts, strict=True)]
        rest = self._length - len(columns[0])
        if rest < 0:
            raise ExportError(
                f"a document with what is asked of it has {len(columns[0])} tokens: expected at "
                f"most {self._length}; ask less, or make room for it"
            )
        fill = [0, 0, 0, -1, -1, 0, False, False, False]
        return [
            np.concatenate([column, np.full(rest, value, column.dtype)])
            for column, value in zip(columns, fill, strict=True)
        ]
