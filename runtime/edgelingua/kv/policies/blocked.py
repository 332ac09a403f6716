"""Blocks: many cells go at once, then none for a while."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import PolicyError
from edgelingua.kv.policy import Policy
from edgelingua.kv.state import CellView, Signal


@dataclass(frozen=True)
class Blocked:
    """A policy that is asked seldom: the cache fills to the cap, then a block of cells goes.

    This hysteresis is no paper's. The engine is asked for the policy's signals once a block, and
    what is cached stays as it is in between; in exchange, up to a block of the cap lies idle.

    Parameters
    ----------
    policy
        The policy that scores.
    size
        Cells that go at once; fewer where fewer can go.
    """

    policy: Policy
    size: int = 64

    def __post_init__(self) -> None:
        if self.size < 1:
            raise PolicyError(f"blocks of {self.size} tokens: expected 1 or more")

    @property
    def signals(self) -> frozenset[Signal]:
        """Those of the policy."""
        return self.policy.signals

    @property
    def queries(self) -> int:
        """Those of the policy."""
        return self.policy.queries

    @property
    def block(self) -> int:
        """The size."""
        return self.size

    def protected(self, cells: CellView) -> NDArray[np.bool_]:
        """What the policy protects."""
        return self.policy.protected(cells)

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """What the policy says."""
        return self.policy.scores(cells)
