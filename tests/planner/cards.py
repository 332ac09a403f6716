"""Cards with costs chosen so that what follows from them is known."""

from __future__ import annotations

from edgelingua.planner.card import Card, CompressorCost, ReaderCost
from edgelingua.planner.curve import Curve


def line(per_unit: float, start: float = 0.0, *, to: int = 4096) -> Curve:
    """So many seconds a token or character, and for starting."""
    lengths = tuple(float(n) for n in (32, 256, 1024, to))
    return Curve(lengths, tuple(start + per_unit * n for n in lengths))


def compressor(per_token: float, start: float = 0.0, **others: object) -> CompressorCost:
    """A compressor; characters are tokens."""
    values = {"bundle": "mini", "method": "llmlingua2", "question": True, "load_seconds": 0.1}
    values |= {"curve": line(per_token, start), "rss_mb": 120.0, "added_mb": 60.0}
    return CompressorCost(**values | others)  # type: ignore[arg-type]


def reader(per_token: float, name: str = "small", **others: object) -> ReaderCost:
    """A reader whose tokens are characters."""
    values = {
        "name": name,
        "file": f"{name}.gguf",
        "file_mb": 100.0,
        "trained_length": 8192,
        "prefill": line(per_token),
    }
    values |= {"decode": (20.0,) * 4, "cell_bytes": {"f16": 20_000, "q8_0": 10_600}}
    values |= {"characters": 1.0, "template": 40, "load_seconds": 0.5, "base_mb": 200.0}
    return ReaderCost(**values | others)  # type: ignore[arg-type]


def card(*readers: ReaderCost, compressors: tuple[CompressorCost, ...] = ()) -> Card:
    """A card of this machine."""
    return Card(measured="today", readers=readers, compressors=compressors)
