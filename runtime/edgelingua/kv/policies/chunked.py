"""Chunks: neighbours are scored alike, so that what stays can still be read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import PolicyError
from edgelingua.kv.policy import Around
from edgelingua.kv.state import CellView


@dataclass(frozen=True)
class Chunked(Around):
    """A policy whose scores are averaged over chunks (as Liu et al. 2025, arXiv:2502.00299).

    A session evicts as many cells as it needs, so the last chunk to go may be cut, its first cells
    gone and the others left.

    Parameters
    ----------
    policy
        The policy that scores.
    size
        Positions in a chunk.
    """

    size: int = 8

    def __post_init__(self) -> None:
        if self.size < 1:
            raise PolicyError(f"chunks of {self.size} tokens: expected 1 or more")

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """Mean score of the cells left of each chunk."""
        _, chunk = np.unique(cells.positions // self.size, return_inverse=True)
        total = np.bincount(chunk, weights=self.policy.scores(cells))
        means: NDArray[np.float64] = (total / np.bincount(chunk))[chunk]
        return means
