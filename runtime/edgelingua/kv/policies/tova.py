"""TOVA: the last token's attention decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.kv.policy import Ends, attention, mean_rank
from edgelingua.kv.state import CellView, Signal


@dataclass(frozen=True)
class Tova(Ends):
    """Evict what the last token attends to least (Oren et al. 2024, arXiv:2401.06104).

    Heads of a layer are averaged as published; its layers evict apart, ours by mean rank. The paper
    protects nothing: ``Tova(sinks=0, recent=0)``.
    """

    @property
    def signals(self) -> frozenset[Signal]:
        """What it needs of the engine besides positions."""
        return frozenset({"keys", "queries"})

    @property
    def queries(self) -> int:
        """The last one."""
        return 1

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """Attention of the last query, mean over heads, by rank over layers."""
        return mean_rank(attention(cells)[:, :, -1].mean(axis=1))
