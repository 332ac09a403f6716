"""StreamingLLM: attention sinks and a window of recent tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.kv.policy import Ends
from edgelingua.kv.state import CellView


@dataclass(frozen=True)
class Streaming(Ends):
    """Keep the first tokens and the most recent ones (Xiao et al. 2023, arXiv:2309.17453).

    The score is recency, so ``recent`` need not be protected beside it. The paper numbers the
    positions anew inside the cache; here the gap behind the sinks stays until the text nears the
    model's trained length, and only then are positions closed up.
    """

    recent: int = 0

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """Recency: the position itself."""
        return cells.positions.astype(np.float64)
