"""Character ranges of a text, half-open and in order: what finding things in a text comes to."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Spans = NDArray[np.int64]
"""Half-open character ranges, shape ``(n, 2)``."""

LONGEST_WORD = 48
"""Characters; what is longer (a URL, a hash, noise) is no word and may be cut anywhere."""

Range = tuple[int, int]
"""Half-open range of characters."""

Parts = tuple[list[Range], list[Range]]
"""What must survive, and what is kept or dropped whole."""

_LINE = re.compile(r"[^\n]*(?:\n|$)")


def as_spans(ranges: Iterable[Range]) -> Spans:
    """Return ranges as an array ``(n, 2)``."""
    return np.asarray(list(ranges), dtype=np.int64).reshape(-1, 2)


def merged(ranges: Iterable[Range], *, touching: bool = False) -> list[Range]:
    """Ascending ranges that do not overlap; those that did are united.

    ``touching``: neighbours too, as the line breaks around blocks that follow each other.
    """
    result: list[Range] = []
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if result and start < result[-1][1] + touching:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def occurrences(text: str, needle: str) -> list[Range]:
    """Where a text stands in another, ascending; occurrences that overlap are one range."""
    found: list[Range] = []
    at = text.find(needle)
    while at >= 0:
        end = at + len(needle)
        if found and at < found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((at, end))
        at = text.find(needle, at + 1)
    return found


def outermost(ranges: Iterable[Range]) -> list[Range]:
    """Ascending ranges that do not overlap; of those that did, the one that begins first stays."""
    result: list[Range] = []
    for start, end in sorted(ranges, key=lambda r: (r[0], -r[1])):
        if not result or start >= result[-1][1]:
            result.append((start, end))
    return result


def outside(ranges: Iterable[Range], start: int, end: int) -> list[Range]:
    """Return what ascending ``ranges`` leave of ``start`` to ``end``."""
    result = []
    for a, b in ranges:
        if start < a:
            result.append((start, a))
        start = max(start, b)
    if start < end:
        result.append((start, end))
    return result


def lines(text: str, start: int, end: int) -> list[Range]:
    """Lines from ``start`` (the beginning of one) to ``end``, without their line breaks."""
    found = []
    while start < end:
        match = _LINE.match(text, start, end)
        stop = match.end() if match else end
        found.append((start, start + len(text[start:stop].rstrip("\r\n"))))
        start = stop
    return found


def with_break(text: str, start: int, end: int) -> Range:
    """Add the line break before a line: a line that goes leaves no empty one behind."""
    if start and text[start - 1] == "\n":
        start -= 1
        if start and text[start - 1] == "\r":
            start -= 1
    return start, end
