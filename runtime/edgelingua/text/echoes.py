"""What a text says again: the words of a question beyond a first time, and its own."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

import numpy as np

from edgelingua.text.boundaries import sentences

_WORD = re.compile(r"[^\W_](?:[\u00ad\u200b-\u200d\u2060\ufeff]?[^\W_])*")
"""A word, as a reader sees it: joiners of no width do not end one."""

# Letters of other scripts that look like Latin ones, and what they look like.
_LOOKALIKES = str.maketrans(
    "аеорсхуіјѕһԁԛԝкмтвнαεορνικτυχ", "aeopcxyijshdqwkmtbnaeopvikTux".lower()
)

_ECHOING = 0.4
"""Share of a sentence's longer words that are the question's, from which it repeats the question.

Of the sentences of NQ, HotpotQA, MuSiQue and SQuAD, one in fifty has so many."""

_REACH = 64
"""Words: one said so recently is said again."""


def without_echoes(text: str, question: str) -> str:
    """Blank out the words of the question where a text goes on repeating them.

    A text may say once as many of them as the question has: an answer stands beside some of them.
    What says them again and again would speak to a scorer for all that stands near it. Blanks take
    the place of letters, so that offsets stay.
    """
    asked = Counter(map(_folded, _WORD.findall(question)))
    left = sum(asked.values())
    found = [match.span() for match in _WORD.finditer(text)]
    words = [_folded(text[start:end]) for start, end in found]
    if sum(word in asked for word in words) <= left:
        return text
    echoes = []
    for first, end in _sentences_of(found, text):
        longer = [word for word in words[first:end] if len(word) > 3]
        if sum(word in asked for word in longer) < _ECHOING * max(1, len(longer)):
            continue
        for index in range(first, end):
            if words[index] in asked:
                left -= 1
                if left < 0:
                    echoes.append(index)
    pieces, at = [], 0
    for index in echoes:
        start, stop = found[index]
        pieces += [text[at:start], " " * (stop - start)]
        at = stop
    return "".join([*pieces, text[at:]])


def novelty(text: str, *, numbers: bool = True) -> float:
    """Return the share of a text's words that were not said shortly before; 1 where there are none.

    Of prose it is some 0.7; of a few words over and over, next to nothing. Without ``numbers``,
    words with a digit are never new.
    """
    last: dict[str, int] = {}
    new = total = 0
    for total, match in enumerate(_WORD.finditer(text), start=1):
        word = _folded(match.group())
        counts = numbers or word.isalpha()
        new += counts and total - last.get(word, -_REACH) >= _REACH
        last[word] = total
    return new / total if total else 1.0


def _sentences_of(found: list[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """Half-open ranges of the words of each sentence."""
    starts = np.asarray([start for start, _ in found])
    ends = np.searchsorted(starts, sentences(text)[:, 1]).tolist()
    return [(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True) if b > a]


@lru_cache(maxsize=1 << 14)
def _folded(word: str) -> str:
    """What a word looks like, without its capitals."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKC", word).casefold()
    return "".join(c for c in plain if unicodedata.category(c) != "Cf").translate(_LOOKALIKES)
