"""Random eviction: the baseline that any score must beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.kv.policy import Ends
from edgelingua.kv.state import CellView


@dataclass(frozen=True)
class Random(Ends):
    """Evict at random between the sinks and the recent tokens; repeatable.

    Parameters
    ----------
    seed
        Another seed draws other tokens.
    """

    seed: int = 0

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """Uniform draws, new ones each time the text has grown."""
        last = int(cells.positions[-1]) if len(cells) else 0
        return np.random.default_rng((self.seed, last)).random(len(cells))
