"""Names of several words: half of one names somebody else, or nobody."""

from __future__ import annotations

import re

from edgelingua.text.ranges import Spans, as_spans

MOST_WORDS = 8
"""Words; more in a row are a heading, a list, or text in capitals."""

LONGEST = 48
"""Characters of a word in a name; what is longer (a hash, noise) is none."""

_WORD = re.compile(r"[^\W_]\w*+(?:[.,:/'’&-]\w++)*")  # U.S, 1,500, O'Neil, Saint-Denis
_BLANKS = frozenset(" \u00a0\u202f")


def names(text: str) -> Spans:
    """Find names of two to eight words: capitalised words and numbers that blanks alone separate.

    ``Ida Brandt``, ``Apollo 11``; the first word is capitalised. A name may begin with what merely
    begins a sentence (``In London``). Languages that write more than names with capitals have more
    of them; scripts without capitals have none.

    Returns
    -------
    ndarray
        int64 ``(n, 2)``: character ranges, ascending, not overlapping.

    Notes
    -----
    Time grows with the length of the text, whatever is in it.
    """
    found: list[tuple[int, int]] = []
    start, end, count = 0, 0, 0
    for match in _WORD.finditer(text):
        at, stop = match.span()
        first = text[at] if stop - at <= LONGEST else "-"
        begins = first.isupper()
        if not (count or begins):
            continue  # most words
        if count and (begins or first.isdigit()) and text[end:at] in _BLANKS:
            end, count = stop, count + 1
            continue
        if 2 <= count <= MOST_WORDS:
            found.append((start, end))
        start, end, count = at, stop, int(begins)
    if 2 <= count <= MOST_WORDS:
        found.append((start, end))
    return as_spans(found)
