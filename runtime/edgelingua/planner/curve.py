"""Seconds over length, from a few lengths that were measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """How long some work takes for an input of some length.

    Parameters
    ----------
    lengths
        What was measured, ascending, in tokens or characters.
    seconds
        How long each took.

    Raises
    ------
    ValueError
        Nothing was measured, or these are no such numbers.
    """

    lengths: tuple[float, ...]
    seconds: tuple[float, ...]

    def __post_init__(self) -> None:
        values = np.asarray((0.0, *self.lengths)), np.asarray(self.seconds)
        right = self.lengths and len(self.lengths) == len(self.seconds)
        if not right or (np.diff(values[0]) <= 0).any() or not (values[1] > 0).all():
            raise ValueError("expected ascending lengths and the seconds of each")

    def __call__(self, length: float) -> float:
        """Return the seconds for a length: on the line between two that were measured.

        Before them on the line through the first two: what starting takes, a short input takes too.
        Beyond them it is a line through the first, to which attention adds a square: the curve
        ``b n + c n²`` nearest to all of them (by their ratio), moved so that it goes through the
        last.
        """
        if length <= self.lengths[0]:
            return self._short(length)
        if length <= self.lengths[-1]:
            return float(np.interp(length, self.lengths, self.seconds))
        slope, square = self._fit()
        last = self.lengths[-1]
        more = slope * (length - last) + square * (length**2 - last**2)
        return self.seconds[-1] + more

    @classmethod
    def parsed(cls, value: Mapping[str, Sequence[float]]) -> Curve:
        """Return what was written as JSON."""
        return cls(tuple(value["lengths"]), tuple(value["seconds"]))

    @property
    def rate(self) -> float:
        """Tokens or characters a second, at the longest length."""
        return self.lengths[-1] / self.seconds[-1]

    def _short(self, length: float) -> float:
        first = self.seconds[0]
        share = first * length / self.lengths[0]
        if len(self.lengths) == 1:
            return share
        slope = (self.seconds[1] - first) / (self.lengths[1] - self.lengths[0])
        return max(share, min(first, first - slope * (self.lengths[0] - length)))

    def _fit(self) -> tuple[float, float]:
        lengths, seconds = np.asarray(self.lengths), np.asarray(self.seconds)
        line = float((lengths / seconds).sum() / ((lengths / seconds) ** 2).sum())
        if len(lengths) < 3:
            return line, 0.0
        columns = np.stack([lengths, lengths**2], axis=1) / seconds[:, None]
        (slope, square), *_ = np.linalg.lstsq(columns, np.ones(len(lengths)), rcond=None)
        return (float(slope), float(square)) if slope > 0 and square > 0 else (line, 0.0)
