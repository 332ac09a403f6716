"""Where a long text is cut into windows, by what stands there and not by how far along it is."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_GRAM = 4
"""Tokens that decide together whether to cut before them: rarely the same twice within a window."""

_PART = 512


def seams(ids: NDArray[np.int64], longest: int) -> list[int]:
    """Return where to cut ``ids`` ``(T,)``: ascending, from 0 to ``T``, at most ``longest`` apart.

    A cut is where a hash of the next tokens is the smallest within 0.4 ``longest`` on both sides
    (content-defined chunking: local minima, Bjørner, Blass and Gurevich 2010,
    doi:10.1016/j.jcss.2009.06.004). So the same text is cut the same way wherever it stands, and a
    change moves no cut that is further away. Cuts too far apart, about one pair in five, get others
    between them at equal distances.
    """
    reach = 2 * longest // 5
    found = [0, *_minima(_hashes(ids), reach).tolist(), len(ids)] if reach else [0, len(ids)]
    cuts = [0]
    for start, end in pairwise(found):
        parts = -(-(end - start) // longest)
        cuts += [start + (end - start) * part // parts for part in range(1, parts + 1)]
    return cuts


def _minima(values: NDArray[np.uint64], reach: int) -> NDArray[np.int64]:
    """Places with a smaller value than any other within ``reach``; the first of equal ones."""
    if len(values) <= 2 * reach:
        return np.zeros(0, dtype=np.int64)
    around = sliding_window_view(values, 2 * reach + 1)
    # In parts: numpy copies the windows it looks into, each as long as a window of the model.
    found = [
        np.flatnonzero(around[start : start + _PART].argmin(axis=1) == reach) + start
        for start in range(0, len(around), _PART)
    ]
    return np.concatenate(found) + reach


def _hashes(ids: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A number for each run of `_GRAM` tokens, by the place of the first: ``(T,)``."""
    padded = np.append(ids, np.zeros(_GRAM - 1, dtype=np.int64)).astype(np.uint64)
    value = np.zeros(len(ids), dtype=np.uint64)
    for shift in range(_GRAM):  # splitmix64's mixer: Steele, Lea and Flood 2014
        value = (value ^ padded[shift : shift + len(ids)]) * np.uint64(0x9E3779B97F4A7C15)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value ^= value >> np.uint64(27)
    return value
