"""Pins that do not fit: no document makes a whole prompt fail with what is pinned in it."""

from __future__ import annotations

import warnings
from dataclasses import replace

from edgelingua.budget import Count
from edgelingua.compressed import join
from edgelingua.errors import PinsWarning
from edgelingua.prompt import Prompt
from edgelingua.segments import Ranges, Segment
from edgelingua.text.ranges import as_spans, merged

_SPARE = 0.9
"""Share of the room that pins get: whole words stay where a part of one is pinned."""


def pinned_tokens(prompt: Prompt, count: Count) -> int:
    """Count what is protected, pins with the blanks before them."""
    total = 0
    for segment in prompt.segments:
        if not segment.compressible:
            total += count(segment.text)
        elif segment.pinned or segment.outline.pinned:
            total += count(_joined(segment, _with_blanks(segment)))
    return total


def within_shares(prompt: Prompt, limit: int, count: Count) -> Prompt:
    """Let go pins of documents that are pinned beyond their share of a budget, the last ones first.

    A document's share of what instruction and question leave is that of its tokens among those of
    all documents: pins of documents within their share all stay. Warns with `PinsWarning`.
    """
    documents = [segment for _, segment in prompt.layout.documents]
    if len(documents) < 2:
        return prompt
    fixed = sum(count(segment.text) for segment in prompt.segments if not segment.compressible)
    room = _SPARE * (limit - fixed)
    sizes = [count(document.text) for document in documents]
    segments, number = list(prompt.segments), 0
    for place, segment in enumerate(prompt.segments):
        if not segment.compressible or not segment.text.strip():
            continue
        pinned = _with_blanks(segment)
        stay = _most(segment, pinned, room * sizes[number] / sum(sizes), count)
        number += 1
        if stay < len(pinned):
            warnings.warn(
                f"document {number} of {len(documents)} is pinned beyond its share of the budget: "
                f"{stay} of its {len(pinned)} pinned places stay",
                PinsWarning,
                stacklevel=5,
            )
            outline = replace(segment.outline, pinned=())
            segments[place] = replace(segment, pinned=pinned[:stay], pin=(), outline=outline)
    return Prompt(tuple(segments))


def _with_blanks(segment: Segment) -> Ranges:
    """Pinned ranges, each with the white space before it, with which it stays."""
    found = []
    for start, end in merged((*segment.pinned, *segment.outline.pinned), touching=True):
        found.append((len(segment.text[:start].rstrip()) if start else 0, end))
    return tuple(merged(found))


def _most(segment: Segment, pinned: Ranges, share: float, count: Count) -> int:
    """Return how many of the first pinned ranges have so many tokens at most."""
    low, high = 0, len(pinned)
    while low < high:
        middle = (low + high + 1) // 2
        fits = count(_joined(segment, pinned[:middle])) <= share
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def _joined(segment: Segment, pinned: Ranges) -> str:
    return join(segment.text, as_spans(pinned))
