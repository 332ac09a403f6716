"""SnapKV: what the last window attends to, with its neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import PolicyError
from edgelingua.kv.policy import Ends, attention, mean_rank
from edgelingua.kv.state import CellView, Signal


@dataclass(frozen=True)
class SnapKV(Ends):
    """Keep what the last tokens attend to, smoothed (Li et al. 2024, arXiv:2404.14469).

    The paper prunes once, when the whole prompt is cached: its last window votes on the rest. A
    prompt that the cap does not hold must lose cells before that window has been read. So each
    eviction lets the queries read last vote anew, on the cells that are left; those of the prompt's
    end, and with them a question that stands there, have a say in what goes after that only. (To
    judge by keys until then, and by the window at the end, would keep less of what is asked for:
    `KeyDiff` loses more in the middle of a prompt than this does.)

    Parameters
    ----------
    window
        How many of the last queries vote. Those tokens themselves stay: ``recent`` is at least as
        much.
    kernel
        Cells that share in a neighbour's attention; odd.
    """

    window: int = 32
    kernel: int = 5

    @property
    def signals(self) -> frozenset[Signal]:
        """What it needs of the engine besides positions."""
        return frozenset({"keys", "queries"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.window <= self.recent:
            raise PolicyError(
                f"a window of {self.window} queries: expected 1 to {self.recent}, the recent "
                "tokens that stay"
            )
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise PolicyError(f"a kernel of {self.kernel} cells: expected an odd number")

    @property
    def queries(self) -> int:
        """The window."""
        return self.window

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        """Attention of the window, mean over a cell's neighbours, by rank over layers and heads."""
        votes = attention(cells).sum(axis=2)
        votes = votes.reshape(-1, votes.shape[-1])
        padded = np.pad(votes, ((0, 0), (self.kernel // 2, self.kernel // 2)), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.kernel, axis=1)
        return mean_rank(windows.mean(axis=-1))
