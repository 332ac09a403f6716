"""A prompt as the reader will read it: its tokens, which of them stay, what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.llama.model import LlamaModel
from edgelingua.text.ranges import occurrences

Ranges = Sequence[tuple[int, int]]
"""Half-open character ranges."""

_LEFT_OUT = 16
"""Bytes between two tokens that have no token of their own, at most."""


@dataclass(frozen=True)
class Change:
    """A message that was compressed: its place in the request, its tokens before and after."""

    message: int
    before: int
    after: int


@dataclass(frozen=True, eq=False)
class Laid:
    """A prompt ready to be read.

    ``tokens`` ``(n,)`` int32; ``pinned`` ``(n,)`` bool, what must stay in the cache; ``before``,
    the tokens that the request would have taken as it came, of which the template's share is an
    estimate where messages were compressed; ``seconds``, what compressing them took; ``opening``,
    the first tokens that many chats share: system prompt and tools.
    """

    tokens: NDArray[np.int32]
    pinned: NDArray[np.bool_]
    before: int
    changes: tuple[Change, ...] = ()
    seconds: float = 0.0
    opening: int = 0


def cells_of(
    reader: LlamaModel, text: str, tokens: NDArray[np.int32], stays: Ranges
) -> NDArray[np.bool_]:
    """Return which tokens of a text have a part in these character ranges of it: ``(n,)``."""
    mask = np.zeros(len(tokens), dtype=bool)
    if not stays:
        return mask
    raw, end = text.encode(), 0
    spans: list[tuple[int, int]] = []
    for piece in reader.pieces(tokens):
        # Some vocabularies put a space before the first word.
        own = piece[1:] if not spans and piece[:1] == b" " != raw[:1] else piece
        # Some have no token for a control character, and leave it out.
        start = max(raw.find(own, end, end + len(own) + _LEFT_OUT), end)
        end = start + len(own)
        spans.append((start, end))
    starts, ends = np.asarray(spans, dtype=np.int64).reshape(-1, 2).T
    byte_of = np.concatenate([[0], np.cumsum([len(character.encode()) for character in text])])
    for first, last in stays:
        mask |= (starts < byte_of[last]) & (ends > byte_of[first])
    return mask


def pinned_ranges(text: str, pins: Sequence[str]) -> list[tuple[int, int]]:
    """Return where any of the pins stands in a text, as character ranges."""
    return [found for pin in pins for found in occurrences(text, pin)]
