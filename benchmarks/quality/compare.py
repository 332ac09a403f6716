"""Figures of several methods on the cases that all of them have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.quality.methods import CONTENDERS
from benchmarks.quality.rows import Row
from numpy.typing import NDArray

SLOW = tuple(name for name, contender in CONTENDERS.items() if contender.slow)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Values of some methods on the same cases.

    ``cases`` are the numbers of the cases, ``n`` of them; ``values`` of each method
    ``(n, columns)``.
    """

    cases: tuple[int, ...]
    values: dict[str, NDArray[np.float64]]

    def mean(self, method: str) -> NDArray[np.float64]:
        """Mean over the cases: ``(columns,)``."""
        mean: NDArray[np.float64] = self.values[method].mean(axis=0)
        return mean

    def interval(self, method: str) -> NDArray[np.float64]:
        """95 % bootstrap interval of the mean: ``(2, columns)``."""
        return interval(self.values[method])

    def change(self, method: str, other: str) -> NDArray[np.float64]:
        """How much more of the mean ``method`` has than ``other``, as a share of the other's.

        ``(3, columns)``: the change and its 95 % bootstrap interval, cases drawn in pairs.
        """
        ours, theirs = self.values[method], self.values[other]
        picked = _drawn(len(self.cases))
        drawn = ours[picked].mean(axis=1) / theirs[picked].mean(axis=1) - 1
        return np.vstack([self.mean(method) / self.mean(other) - 1, _bounds(drawn)])


def common(
    rows: Iterable[Row], methods: Sequence[str], value: Callable[[Row], object]
) -> Comparison:
    """Compare those of ``methods`` that have rows, on the cases that every one of them has."""
    of_method: dict[str, dict[int, object]] = {}
    for row in rows:
        if row["method"] in methods:
            of_method.setdefault(row["method"], {})[row["case"]] = value(row)
    present = [name for name in methods if name in of_method]
    shared = set.intersection(*(set(of_method[name]) for name in present)) if present else set()
    cases = tuple(sorted(shared))
    values = {
        name: np.asarray([of_method[name][case] for case in cases], dtype=np.float64)
        for name in present
        if cases
    }
    return Comparison(cases, values)


def interval(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """95 % bootstrap interval of the mean of ``values`` ``(n, columns)``: ``(2, columns)``."""
    return _bounds(values[_drawn(len(values))].mean(axis=1))


def _drawn(size: int, draws: int = 2000) -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(size, size=(draws, size))


def _bounds(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    bounds: NDArray[np.float64] = np.percentile(drawn, [2.5, 97.5], axis=0)
    return bounds
