"""Knorm: keys with a small norm attract attention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.kv.policy import Ends, mean_rank
from edgelingua.kv.state import CellView, Signal


@dataclass(frozen=True)
class KNorm(Ends):
    """Keep the keys with the smallest L2 norm (Devoto et al. 2024, arXiv:2406.11430)."""

    @property
    def signals(self) -> frozenset[Signal]:
        """What it needs of the engine besides positions."""
        return frozenset({"keys"})

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """Smallness of the norm, by rank over layers and heads."""
        keys = cells.signal("keys")
        squares = np.einsum("lngd,lngd->lgn", keys, keys)  # no copy of all keys, unlike norm
        return mean_rank(-squares.reshape(-1, len(cells)))
