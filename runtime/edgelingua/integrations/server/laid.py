"""A prompt as the reader will read it: its tokens, which of them stay, what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.integrations.server.pressing import occurrences
from edgelingua.llama.model import LlamaModel

Ranges = Sequence[tuple[int, int]]
"""Half-open character ranges."""


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
    estimate where messages were compressed.
    """

    tokens: NDArray[np.int32]
    pinned: NDArray[np.bool_]
    before: int
    changes: tuple[Change, ...] = ()


def cells_of(
    reader: LlamaModel, text: str, tokens: NDArray[np.int32], stays: Ranges
) -> NDArray[np.bool_]:
    """Return which tokens of a text have a part in these character ranges of it: ``(n,)``."""
    mask = np.zeros(len(tokens), dtype=bool)
    if not stays:
        return mask
    raw, end = text.encode(), 0
    spans = []
    for piece in reader.pieces(tokens):
        # Some vocabularies have no token for a control character, and leave it out.
        start = max(raw.find(piece, end), end)
        end = start + len(piece)
        spans.append((start, end))
    starts, ends = np.asarray(spans, dtype=np.int64).reshape(-1, 2).T
    for first, last in stays:
        mask |= (starts < len(text[:last].encode())) & (ends > len(text[:first].encode()))
    return mask


def pinned_ranges(text: str, pins: Sequence[str]) -> list[tuple[int, int]]:
    """Return where any of the pins stands in a text, as character ranges."""
    return [found for pin in pins for found in occurrences(text, pin)]
