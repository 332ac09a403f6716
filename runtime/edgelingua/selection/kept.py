"""What is kept of a text, as its slices, and the order in which to keep it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelingua.compressed import join
from edgelingua.selection.units import Units
from edgelingua.text.ranges import Spans


def best_first(units: Units, candidates: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the order in which candidates are chosen."""
    keys = (~units.negates, -units.scores, ~units.first)
    return np.lexsort([key[candidates] for key in keys])


def joined(text: str, units: Units, kept: NDArray[np.bool_]) -> str:
    """Return what is kept, with the marks and line breaks between."""
    spans = runs(kept, units.edges)
    return join(text, spans, units.gap, gaps(units, kept), breaks(units, kept))


def gaps(units: Units, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return where the slices begin that a mark stands before."""
    if not units.gap or units.gaps is None:
        return np.zeros(0, dtype=np.int64)
    return units.edges[units.gaps.at(kept)]


def breaks(units: Units, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the blanks in the place of which a line break stands."""
    return units.edges[units.company.breaks.at(kept)[0]]


def runs(kept: NDArray[np.bool_], edges: NDArray[np.int64]) -> Spans:
    """Return the character ranges of the maximal runs of kept units."""
    change = np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8))
    return np.stack([edges[np.flatnonzero(change == 1)], edges[np.flatnonzero(change == -1)]], 1)
