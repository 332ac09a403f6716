"""Compressor: the prompt compressor's scores say which prompt tokens matter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.kv.policy import Ends
from edgelingua.kv.state import CellView


@dataclass(frozen=True)
class Compressor(Ends):
    """Keep what a prompt compressor scored highest; our own combination, no paper.

    Tokens that came without a score, as everything generated, count by their recency.
    """

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """Rank among the scored tokens; of the others, rank of the position among all."""
        scores = np.arange(len(cells)) / max(1, len(cells) - 1)
        scored = np.flatnonzero(~np.isnan(cells.importance))
        order = np.argsort(cells.importance[scored], kind="stable")
        scores[scored[order]] = np.arange(len(scored)) / max(1, len(scored) - 1)
        return scores
