"""A window: a share of the cells for the most recent tokens, as long as anything else can go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import PolicyError
from edgelingua.kv.policy import Around
from edgelingua.kv.state import CellView


@dataclass(frozen=True)
class Windowed(Around):
    """A policy that leaves the most recent tokens alone, as H2O does (arXiv:2306.14048).

    What follows a text hangs on its end more than on anything else. Unlike the ``recent`` tokens of
    a policy, which never go, the window gives way, oldest first, where nothing else can: a turn
    that is pinned may take all the cells. Put it around `Phrased` and `Chunked`, not inside.

    Parameters
    ----------
    policy
        The policy that scores the others.
    percent
        Share of the cells that is the window's.
    """

    percent: int = 25

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise PolicyError(f"a window of {self.percent} percent: expected 0 to 100")

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """What the policy says; above all of that, by position, for the window."""
        scores = self.policy.scores(cells).copy()
        size = len(cells) * self.percent // 100
        if size:
            scores[-size:] = scores.max() + 1 + np.arange(size)
        return scores
