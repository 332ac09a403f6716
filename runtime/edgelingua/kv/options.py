"""How an engine keeps its cache, and which combinations cannot work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from edgelingua.errors import CapError, PolicyError, ReaderError
from edgelingua.kv.state import Signal

CacheType = Literal["f16", "q8_0", "q4_0"]
"""Number format of cached keys or values, by ggml's name."""

CACHE_TYPES: frozenset[CacheType] = frozenset(get_args(CacheType))


@dataclass(frozen=True)
class CacheOptions:
    """How the cache is kept and read.

    Parameters
    ----------
    keys, values
        Number formats. ``q8_0`` takes 53 % of ``f16`` and is close to lossless; ``q4_0`` takes
        28 %, and some models break under it: try yours.
    flash_attention
        ``None``: on, unless the policy reads attention weights.
    chunk
        Most tokens read at once. The compute buffers grow with it.
    hooks
        What the engine must be able to overhear; follows from the policy.
    queries
        How many of the last queries are overheard; follows from the policy.

    Raises
    ------
    PolicyError
        The combination cannot work.
    ReaderError
        A value out of range.
    """

    keys: CacheType = "f16"
    values: CacheType = "f16"
    flash_attention: bool | None = None
    chunk: int = 128
    hooks: frozenset[Signal] = frozenset()
    queries: int = 0

    def __post_init__(self) -> None:
        for name, value in (("keys", self.keys), ("values", self.values)):
            if value not in get_args(CacheType):
                raise ReaderError(
                    f"cache {name} {value!r}: expected one of {', '.join(get_args(CacheType))}"
                )
        if self.chunk < 1:
            raise ReaderError(f"a chunk of {self.chunk} tokens: expected at least 1")
        if self.flash_attention and "attention" in self.hooks:
            raise PolicyError(
                "this policy reads attention weights, which flash attention never writes down: "
                "leave flash attention off, or choose another policy"
            )
        if not self.flash and self.values != "f16":
            listened = "attention" in self.hooks
            reason = "this policy reads attention weights" if listened else "it is off"
            raise PolicyError(
                f"cache values in {self.values} need flash attention, and {reason}: keep values in "
                "f16, or choose another policy"
            )
        if "queries" in self.hooks and self.keys != "f16":
            raise PolicyError(
                f"this policy multiplies queries with keys, and llama.cpp rotates {self.keys} keys "
                "where it stores them: keep keys in f16, or choose another policy"
            )

    @property
    def flash(self) -> bool:
        """Whether flash attention is on."""
        on = self.flash_attention
        return "attention" not in self.hooks if on is None else on


def check_cap(cap: int, trained_length: int) -> None:
    """Raise `CapError` unless ``cap`` is 2 to ``trained_length``."""
    if not 2 <= cap <= trained_length:
        raise CapError(
            f"a cap of {cap} cells: expected 2 to {trained_length}, "
            "the length this model was trained for"
        )
