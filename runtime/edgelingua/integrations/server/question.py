"""What is asked at the ends of a long message, and what lies between."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgelingua.budget import Count
from edgelingua.text.ranges import LONGEST_WORD

_CUTS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?。！？])\s+"))
"""Paragraphs, lines, sentences."""


@dataclass(frozen=True)
class Asked:
    """A message in three: ``before`` and ``after`` are what is asked, ``document`` may be cut."""

    before: str
    document: str
    after: str

    @property
    def question(self) -> str:
        """What guides a compressor."""
        return f"{self.before}{self.after}".strip()


def split(text: str, most: int, count: Count) -> Asked:
    """Split a message that is too long to be kept whole.

    People ask before a text they paste, or behind it: so the last paragraph is kept, or of it the
    last line, sentence or words that take at most ``most`` tokens; and the first line, if it takes
    at most half of that.
    """
    after = _ending(text, most, count)
    rest = text[: len(text) - len(after)]
    line = re.match(r"\s*+[^\n]*+\n", rest)
    before = line[0] if line and count(line[0]) <= most // 2 else ""
    return Asked(before, rest[len(before) :], after)


def _ending(text: str, most: int, count: Count) -> str:
    end = len(text.rstrip())
    for cut in _CUTS:
        last = max((match.end() for match in cut.finditer(text, 0, end)), default=0)
        if count(text[last:]) <= most:
            return text[last:]
    return text[last_fitting(text, most, count) :]


def last_fitting(text: str, most: int, count: Count) -> int:
    """Return where the longest ending of at most ``most`` tokens begins, at a word if it can."""
    low, high = 0, len(text)
    while low < high:  # tokens of an ending never grow by much as it gets shorter
        middle = (low + high) // 2
        if count(text[middle:]) <= most:
            high = middle
        else:
            low = middle + 1
    if low and text[low - 1].isspace():
        return low
    blank = re.compile(r"\s").search(text, low, low + LONGEST_WORD)
    if low and blank and blank.end() < len(text):
        return blank.end()
    return low
