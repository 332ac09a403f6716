"""What a question sets side by side.

*Which film came out first, Niyoti or Angali Pangali?*
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from edgelingua.text.ranges import Spans, as_spans

_WORD = re.compile(r"[^\W_]+")

_OR = frozenset(["or", "than", "vs", "versus", "oder", "als", "ou", "o", "или", "чем"])
_AND = frozenset(["and", "und", "et", "y", "e", "en", "и"])
_TOGETHER = re.compile(
    r"(?:are|is|was|were|do|does|did|have|has|had|haben|sind|waren|est-ce|son|sono|são|zijn)\b|"
    r".*\b(?:both|same|between|common|out of|beide\w*|gleich\w*|zwischen|gemeinsam\w*|deux|même|"
    r"entre|commun\w*|ambos|ambas|mism[oa]s?|común|entrambi|stess[oaei]|comune|mesm[oa]s?|dezelfde|оба|"
    r"обе|одинаков\w*|между|общ\w*)\b",
    re.IGNORECASE | re.DOTALL,
)
"""Where *and* does not only list: *Are X and Y …*, *What do X and Y have in common?*"""

_Found = tuple[tuple[int, int], Spans]
"""Which words of the question a name is, from and up to, and where it stands in the text."""

_MOST_WORDS = 16
"""Words of a name."""

_BETWEEN = 2
"""Words in lower case that may stand between *or* and a name: *or the film X*, *X older than*."""


def compared(question: str, text: str, parts: Spans) -> list[Spans]:
    """Return where the names stand that a question sets side by side.

    Names begin and end with a word that is not in lower case, and are the longest that stand in the
    text, case and marks aside: *Who lived longer, Hans Rosling or Kınar Sıvacıyan?* They are
    compared where *or* stands between two of them, or *and* in a question of what they share.

    Parameters
    ----------
    question, text
        What is asked, about what.
    parts
        Character ranges of the text ``(n, 2)`` that names are looked for in.

    Returns
    -------
    list of ndarray
        For each name, in the order of the question, int64 ``(n, 2)``: its places, one at least.
        Empty where nothing is compared, or one of two sides does not stand in the text.
    """
    words = [match.group() for match in _WORD.finditer(question)]
    shared = _TOGETHER.match(question.lstrip()) is not None
    found: dict[tuple[int, int], Spans] = {}
    for at, word in enumerate(words):
        if word not in _OR and not (shared and word in _AND):
            continue
        left, right = _before(words, at, text, parts), _behind(words, at, text, parts)
        if left and right:
            found |= dict([left, right])
    return [
        found[start, end]
        for start, end in sorted(found)
        # *Trick or Treat* is one name where the text has it.
        if not any(a <= start and end <= b and (a, b) != (start, end) for a, b in found)
    ]


def _before(words: list[str], at: int, text: str, parts: Spans) -> _Found | None:
    """Return the longest name that ends before a word."""
    end = at
    while end > 0 and end > at - _BETWEEN and words[end - 1].islower():
        end -= 1
    starts = range(max(0, end - _MOST_WORDS), end)
    return _first_found(words, [(start, end) for start in starts], text, parts)


def _behind(words: list[str], at: int, text: str, parts: Spans) -> _Found | None:
    """Return the longest name that begins behind a word."""
    begin = at + 1
    while begin < len(words) and begin <= at + _BETWEEN and words[begin].islower():
        begin += 1
    ends = range(min(len(words), begin + _MOST_WORDS), begin, -1)
    return _first_found(words, [(begin, end) for end in ends], text, parts)


def _first_found(
    words: list[str], tries: list[tuple[int, int]], text: str, parts: Spans
) -> _Found | None:
    for start, end in tries:
        name = words[start:end]
        if not (name[0].islower() or name[-1].islower()):
            spans = _places(name, text, parts)
            if len(spans):
                return (start, end), spans
    return None


def _places(name: list[str], text: str, parts: Spans) -> Spans:
    """Where a name stands with a capital; nowhere, if it is mostly without: a common word."""
    pattern = r"(?<![^\W_])" + r"[\W_]{1,4}".join(map(re.escape, name)) + r"(?![^\W_])"
    found = as_spans([m.span() for m in re.finditer(pattern, text, re.IGNORECASE)])
    at = np.searchsorted(parts[:, 0], found[:, 0], "right") - 1
    inside: NDArray[np.bool_] = (at >= 0) & (found[:, 1] <= parts[at, 1]) if len(parts) else at > 0
    found = found[inside]
    lower = np.asarray([text[start:end].islower() for start, end in found.tolist()], dtype=bool)
    return found[~lower] if 2 * lower.sum() < len(found) else found[:0]
