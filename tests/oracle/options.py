"""The options of a call with a causal LM, and the tagged parts that it may have."""

from __future__ import annotations

from dataclasses import dataclass

from edgelingua.compat.options import CompressOptions

Segment = tuple[str, float, bool]
"""A tagged part of a context: its text, the rate of it to keep, whether it is compressed."""


@dataclass(frozen=True)
class OracleOptions(CompressOptions):
    """``segments``: per context, its tagged parts; ``None`` where a prompt has no tags."""

    segments: tuple[tuple[Segment, ...], ...] | None = None
