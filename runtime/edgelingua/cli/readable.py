"""Figures as a person reads them: seconds, MB, percentages, thousands apart.

``--json`` has the same ones as numbers, with their units in the names of the keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgelingua.compressed import Compressed
    from edgelingua.compressors.scope import Rewritten
    from edgelingua.kv.memory import Memory
    from edgelingua.kv.policies import Policy
    from edgelingua.kv.statistics import CacheStatistics, MemoryUse

Lines = dict[str, str]
"""What is told of, and what is told: ``tokens`` → ``4,489 became 400 (8.9 %)``."""


def compression(compressed: Compressed | Rewritten, method: str) -> Lines:
    """How much went in and came out, by which method and which bundle."""
    share = f"{100 * compressed.rate:.1f} %"
    tokens = f"{compressed.tokens_in:,} became {compressed.tokens_out:,} ({share})"
    chose = compressed.model
    method += f" ({chose})" if chose not in ("", method) else ""
    return {"tokens": f"{tokens}, at most {compressed.limit:,}", "method": method}


def memories(used: Sequence[Memory]) -> str:
    """How many cells stand for how many tokens."""
    return f"{sum(map(len, used)):,} cells for {sum(m.tokens_in for m in used):,} tokens"


def cache(statistics: CacheStatistics, policy: Policy) -> Lines:
    """How full the cache was, and what chose what left it."""
    from edgelingua.kv.policies import name_of  # `compress` has no use for them

    held = f"{statistics.peak:,} of {statistics.cap:,} cells at most"
    return {"cache": f"{held}, {statistics.evicted:,} tokens evicted", "policy": name_of(policy)}


def time(milliseconds: Mapping[str, float]) -> Lines:
    """How long each stage took."""
    return {"time": ", ".join(f"{stage} {seconds(ms)}" for stage, ms in milliseconds.items())}


def memory(peak_mb: float | None, split: MemoryUse | None = None) -> Lines:
    """The most that the process took, and where it goes."""
    peak = "the peak is unknown here" if peak_mb is None else f"{peak_mb:,.0f} MB at the peak"
    return {"memory": f"{split}; {peak}" if split else peak}


def seconds(milliseconds: float) -> str:
    """``20.4 s``, ``0.31 s``: as many digits as tell something."""
    return f"{milliseconds / 1000:,.{1 if milliseconds >= 1000 else 2}f} s"
