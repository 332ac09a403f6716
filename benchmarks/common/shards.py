"""A run cut into parts for many processes, each with a file of its own."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

BLOCK = 2
"""Cases of a set before the next set has its turn, so that an early end leaves some of all."""


@dataclass(frozen=True)
class Shard:
    """One of ``count`` parts of a run: every ``count``-th piece of work from ``index`` on."""

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``I/N``, ``0 <= I < N``; for argparse."""
        index, slash, count = text.partition("/")
        if slash and index.isdecimal() and count.isdecimal() and int(index) < int(count):
            return cls(int(index), int(count))
        raise argparse.ArgumentTypeError(f"{text!r}: expected I/N with 0 <= I < N")

    def of(self, work: Iterable[T]) -> Iterator[T]:
        """Pieces of work that are this part's."""
        return (piece for at, piece in enumerate(work) if at % self.count == self.index)

    def file(self, results: Path, folder: Path | None = None) -> Path:
        """Where this part's rows go; beside the results without a folder."""
        name = f"{results.stem}.{self.index}-of-{self.count}{results.suffix}"
        return (folder or results.parent) / name


def in_turn(sizes: dict[str, int]) -> Iterator[tuple[str, int]]:
    """Set and number of each case, a few of every set at a time."""
    for start in range(0, max(sizes.values()), BLOCK):
        for name, size in sizes.items():
            for number in range(start, min(start + BLOCK, size)):
                yield name, number
