"""Token-eviction policies: one file each, pure functions of a view of the cells."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgelingua.kv.policies.streaming import Streaming
from edgelingua.kv.state import CellView

__all__ = ["Policy", "Streaming"]


class Policy(Protocol):
    """Decides which cached tokens matter. Stateless; the session does the evicting."""

    def protected(self, cells: CellView) -> NDArray[np.bool_]:
        """Cells that this policy never gives up: bool ``(n,)``."""
        ...

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """Importance of each cell: ``(n,)``, higher = keep."""
        ...
