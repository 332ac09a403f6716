"""H2O: heavy hitters, the tokens that got most attention so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import PolicyError
from edgelingua.kv.policy import Ends, mean_rank
from edgelingua.kv.state import CellView, Signal


@dataclass(frozen=True)
class H2O(Ends):
    """Keep the tokens with most accumulated attention (Zhang et al. 2023, arXiv:2306.14048).

    Parameters
    ----------
    recent_share
        Share of the cells that goes to the most recent tokens instead; half, as published.
    """

    recent_share: float = 0.5

    @property
    def signals(self) -> frozenset[Signal]:
        """What it needs of the engine besides positions."""
        return frozenset({"attention"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.recent_share < 1:
            raise PolicyError(f"a share of {self.recent_share}: expected 0 to below 1")

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """Accumulated attention by rank over layers; 1 and more for the recent share."""
        scores = mean_rank(cells.signal("attention"))
        first = len(cells) - int(len(cells) * self.recent_share)
        scores[first:] = 1.0 + np.arange(len(cells) - first)
        return scores
