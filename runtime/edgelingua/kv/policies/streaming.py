"""StreamingLLM: attention sinks and a window of recent tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.kv.state import CellView


@dataclass(frozen=True)
class Streaming:
    """Keep the first tokens and the most recent ones (Xiao et al. 2023, arXiv:2309.17453).

    Parameters
    ----------
    sinks
        How many of the first tokens stay for ever. Much attention goes to them whatever they say;
        without them the model falls apart.
    """

    sinks: int = 4

    def protected(self, cells: CellView) -> NDArray[np.bool_]:
        """The sinks."""
        return np.arange(len(cells)) < self.sinks

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """Recency: the position itself."""
        return cells.positions.astype(np.float64)
