"""KeyDiff: keys unlike the others carry what the others do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.kv.policy import Ends, mean_rank
from edgelingua.kv.state import CellView, Signal


@dataclass(frozen=True)
class KeyDiff(Ends):
    """Keep the keys least similar to the mean key (Park et al. 2025, arXiv:2504.15364)."""

    @property
    def signals(self) -> frozenset[Signal]:
        """What it needs of the engine besides positions."""
        return frozenset({"keys"})

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """Negative cosine to the mean of the normalized keys, by rank over layers and heads."""
        keys = cells.signal("keys")
        unit = keys / np.maximum(np.linalg.norm(keys, axis=-1, keepdims=True), 1e-12)
        mean = unit.mean(axis=1, keepdims=True)
        # The length of the mean is the same for all cells of a head: it changes no rank.
        similar = np.einsum("lngd,logd->lgn", unit, mean)
        return mean_rank(-similar.reshape(-1, len(cells)))
