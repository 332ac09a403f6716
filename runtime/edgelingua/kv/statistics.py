"""How full a session's cache is, and where the memory goes."""

from __future__ import annotations

from dataclasses import dataclass

from edgelingua.system.measure import rss_mb


@dataclass(frozen=True)
class CacheStatistics:
    """``used`` cells now, ``peak`` at most so far, of ``cap``; tokens ``evicted`` so far."""

    used: int
    peak: int
    cap: int
    evicted: int


@dataclass(frozen=True)
class MemoryUse:
    """Where the memory of this process goes, in MB (10^6 bytes).

    ``weights``: what of the model's file is in memory, and copies that were rearranged for the
    processor. ``cache``: keys and values. ``compute``: buffers for what lies between the layers.
    ``python``: all the rest, that is Python, its libraries, and other models and sessions if there
    are any; ``None`` where the system does not tell (elsewhere than on Linux).

    Cache and compute are as llama.cpp allocates them. What it has not used yet takes no memory, so
    that ``python`` comes out too small by that.
    """

    weights: float
    cache: float
    compute: float
    python: float | None

    @classmethod
    def split(cls, weights: int, cache: int, compute: int) -> MemoryUse:
        """Split the memory of this process: three parts in bytes are known, the rest is counted."""
        whole = rss_mb()
        rest = None if whole is None else max(0.0, whole - (weights + cache + compute) / 1e6)
        return cls(weights / 1e6, cache / 1e6, compute / 1e6, rest)

    def __str__(self) -> str:
        rest = "unknown" if self.python is None else f"{self.python:,.0f} MB"
        return (
            f"weights {self.weights:,.0f} MB, cache {self.cache:,.1f} MB, "
            f"compute {self.compute:,.1f} MB, Python and the rest {rest}"
        )
