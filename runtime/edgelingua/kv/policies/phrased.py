"""Phrases: a token is worth what the best stretch of text around it is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import PolicyError
from edgelingua.kv.policy import Around
from edgelingua.kv.state import CellView


@dataclass(frozen=True)
class Phrased(Around):
    """A policy whose scores are those of whole stretches of text, wherever these begin.

    `Chunked` cuts the text at fixed positions, and so cuts most phrases in two, each half among
    tokens that may be worth nothing. Here a token counts as much as the best stretch that holds it:
    the mean over ``size`` positions, of which those evicted count as the least that is left. So
    what has lost its neighbours goes before what is whole. Our own, no paper; the mean over a
    stretch is that of Liu et al. 2025, arXiv:2502.00299.

    Parameters
    ----------
    policy
        The policy that scores.
    size
        Positions in a stretch.
    """

    size: int = 12

    def __post_init__(self) -> None:
        if self.size < 1:
            raise PolicyError(f"stretches of {self.size} tokens: expected 1 or more")

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """Mean of the best stretch that holds each cell."""
        scores = self.policy.scores(cells)
        at = cells.positions - cells.positions[0]
        size = min(self.size, int(at[-1]) + 1)
        text = np.full(at[-1] + 1, scores.min())
        text[at] = scores
        totals = np.cumsum(np.append(0.0, text))
        means = (totals[size:] - totals[:-size]) / size
        # A position lies in the stretches that begin there or up to size - 1 before.
        means = np.pad(means, size - 1, constant_values=-np.inf)
        best = means[size - 1 :][: len(text)].copy()
        for back in range(1, size):
            np.maximum(best, means[size - 1 - back :][: len(text)], out=best)
        found: NDArray[np.float64] = best[at]
        return found
