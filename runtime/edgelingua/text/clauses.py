"""Where a statement ends and the next begins: sentences, and clauses inside them.

A clause is what one negation can turn round. Only signs that leave little doubt end one: a
semicolon, a colon, and a comma before a word that begins a clause with a verb of its own. What
stands between brackets or dashes belongs to the clause around it, which goes on behind it. Where
that is not sure, two clauses count as one: a negation then keeps more company than it needs, and
never too little.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from edgelingua.text.boundaries import sentences

# Not "and" and "or": what they join is as often a word as a clause ("no cough, or chills"). Nor
# "if" and "unless": what holds on a condition stays with it.
_BEGINS = (
    "but so yet because although though whereas while which who whom whose where when since "
    "until aber denn sondern weil obwohl während dass der die das mais car donc parce "
    "que qui dont où quand puisque pero porque aunque que quien cuando ma perché che quando mas "
    "porque maar want omdat terwijl но а потому что который которая которое которые когда"
)
_WORDS = "|".join(sorted({re.escape(word) for word in _BEGINS.split()}, key=len, reverse=True))
_ENDS = re.compile(
    rf"[;；]\s*|:(?=\s)|,(?=\s+(?:{_WORDS})\s)|[，、](?=\S)|،(?=\s)",
    re.IGNORECASE,
)
_COMMA = re.compile(r",(?=\s)")
_BLANK = re.compile(r"\s+(?=\w)")


def statement_ends(text: str) -> NDArray[np.int64]:
    """Offsets where statements end: sentences that go on over a line break or a quotation are one.

    So does whatever a small letter follows.

    Returns
    -------
    ndarray
        int64 ``(n,)``, ascending; white space behind a sentence belongs to it.
    """
    ends = []
    for start, end in sentences(text).tolist():
        solid = start + len(text[start:end].rstrip())
        if not (text[end : end + 1].islower() and text.count("\n", solid, end) < 2):
            ends.append(end)
    return np.asarray(ends, dtype=np.int64)


def clause_ends(text: str, statements: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Offsets where clauses end: those of statements, and more. int64 ``(n,)``, ascending.

    ``statements``: what `statement_ends` returned, where it is known.
    """
    ends = statement_ends(text) if statements is None else statements
    inside = np.asarray([match.end() for match in _ENDS.finditer(text)], dtype=np.int64)
    ends = np.union1d(ends, inside).astype(np.int64)
    return np.union1d(ends, _between_long_parts(text, ends)).astype(np.int64)


_LONG = 6
"""Words. What stands between commas and is longer than that is no item of a list."""


def _between_long_parts(text: str, ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Commas between two long parts: "..., and the bank failed to deliver the guarantee"."""
    commas = np.asarray([match.end() for match in _COMMA.finditer(text)], dtype=np.int64)
    if not len(commas):
        return commas
    blanks = np.asarray([match.start() for match in _BLANK.finditer(text)], dtype=np.int64)
    borders = np.union1d(np.concatenate([[0], ends, [len(text)]]), commas)
    words = np.diff(np.searchsorted(blanks, borders))
    at = np.searchsorted(borders, commas)
    long = (words[at - 1] >= _LONG) & (words[np.minimum(at, len(words) - 1)] >= _LONG)
    return commas[long]


def without_blanks(text: str, ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Move ends before the white space that they stand behind: int64, as many."""
    found = []
    start = 0
    for end in ends.tolist():
        found.append(start + len(text[start:end].rstrip()))
        start = end
    return np.asarray(found, dtype=np.int64)
