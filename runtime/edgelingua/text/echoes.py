"""What a text says again: the words of a question beyond a first time, and its own."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from edgelingua.text.boundaries import sentences
from edgelingua.text.languages import other_letters
from edgelingua.text.ranges import Spans

_WORD = re.compile(r"[^\W_](?:[\u00ad\u200b-\u200d\u2060\ufeff]?[^\W_])*")
"""A word, as a reader sees it: joiners of no width do not end one."""

# Letters of other scripts that look like Latin ones, and what they look like.
_LOOKALIKES = str.maketrans(
    "аеорсхуіјѕһԁԛԝкмтвнαεορνικτυχ", "aeopcxyijshdqwkmtbnaeopvikTux".lower()
)

_ECHOING = 0.4
"""Share of a sentence's longer words that are the question's, from which it repeats the question.

Of the sentences of NQ, HotpotQA, MuSiQue and SQuAD, one in fifty has so many."""

_MADE_OF_ECHOES = 0.4
"""Share of a text's words that repeat the question, twice over at least, from which it says nothing
else. Of 9,989 passages of NQ, HotpotQA, MuSiQue and SQuAD two have so many."""

_COPY = 4
"""Words of a question in a row, at least, that copy it."""

_STREWN = 2
"""Different words of an English question that a text of another script may have."""

_PHRASE = 20
"""Letters of a phrase between such sentences, at most, that is judged like them."""

_REACH = 64
"""Words: one said so recently is said again."""

_ODD, _ODD_WORDS = 0.4, 3
"""Share of the words of a line, and number, from which it is unlike the others."""

_LONGEST_NUMBER = 9
"""Digits of a number that may count on."""


def without_echoes(text: str, question: str) -> str:
    """Blank out the words of the question where a text goes on repeating them.

    A text may say once as many of them as the question has: an answer stands beside some of them.
    What says them again and again would speak to a scorer for all that stands near it. Of a text
    that is made of them (`_MADE_OF_ECHOES`) none is left, nor of the question itself where that
    stands in a text twice. A heading that asks the question, as in a list of questions and answers,
    counts for nothing. Blanks take the place of letters, so that offsets stay.
    """
    sequence = [_folded(word) for word in _WORD.findall(question)]
    asked, once = set(sequence), len(sequence)
    found = [match.span() for match in _WORD.finditer(text)]
    words = [_folded(text[start:end]) for start, end in found]
    heading = _heading(text, found, words, sequence)
    found, words = found[heading:], words[heading:]
    if sum(word in asked for word in words) <= once:
        return text
    echoes: list[int] = []
    for first, end in _sentences_of(found, text):
        longer = [word for word in words[first:end] if len(word) > 3]
        if sum(word in asked for word in longer) >= _ECHOING * max(1, len(longer)):
            echoes += [index for index in range(first, end) if words[index] in asked]
    if len(echoes) < max(2 * once, _MADE_OF_ECHOES * len(words)):
        again = _again(echoes, words) if len(echoes) > once else []
        echoes = sorted({*echoes[once:], *again, *_copies(words, sequence)})
    return _blanked(text, [found[index] for index in echoes])


def without_strewn(text: str, question: str) -> str:
    """Blank out words of a question in sentences that are of another script than Latin.

    Such a sentence has the names and numbers of an English question, and hardly its other words:
    where a text has more than `_STREWN` of these, they were put there to be found. Blanks take the
    place of letters, so that offsets stay.
    """
    if not other_letters(text):
        return text
    asked = {_folded(word) for word in _WORD.findall(question) if word.islower()}
    places = []
    for start, end in sentences(text).tolist():
        letters = sum(map(str.isalpha, text[start:end]))
        if letters < _PHRASE or 2 * len(other_letters(text[start:end])) > letters:
            places += [m.span() for m in _WORD.finditer(text, start, end)
                       if m.group().isascii() and _folded(m.group()) in asked]  # fmt: skip
    if len({text[a:b].lower() for a, b in places}) <= _STREWN:
        return text
    return _blanked(text, places)


def _blanked(text: str, places: Iterable[tuple[int, int]]) -> str:
    """Put blanks in the place of some parts of a text, in their order."""
    pieces, at = [], 0
    for start, end in places:
        pieces += [text[at:start], " " * (end - start)]
        at = end
    return "".join([*pieces, text[at:]])


def novelty(text: str, *, numbers: bool = True) -> float:
    """Return the share of a text's words that were not said shortly before; 1 where there are none.

    Of prose it is some 0.7; of a few words over and over, next to nothing. A number that counts on
    from one said shortly before, as those of rows do, is not new; without ``numbers``, no word with
    a digit is.
    """
    last: dict[str, int] = {}
    new = total = 0
    for total, match in enumerate(_WORD.finditer(text), start=1):
        word = _folded(match.group())
        counts = numbers or word.isalpha()
        new += counts and total - last.get(word, -_REACH) >= _REACH and not _on(word, last, total)
        last[word] = total
    return new / total if total else 1.0


def odd_ones(text: str, parts: Spans) -> NDArray[np.bool_]:
    """Whether parts of a text, ``(n, 2)``, say what is said nowhere else in it: ``(n,)``.

    The line of a log that failed, but no row of a table in which one word of three is another one.
    """
    words = [(m.start(), _folded(m.group())) for m in _WORD.finditer(text)]
    words = [(start, word) for start, word in words if word.isalpha()]
    times = Counter(word for _, word in words)
    once = np.cumsum([0, *(times[word] == 1 for _, word in words)])
    first, end = np.searchsorted([start for start, _ in words], parts).T
    own = once[end] - once[first]
    odd: NDArray[np.bool_] = (own >= _ODD_WORDS) & (own >= _ODD * (end - first))
    return odd


def _on(word: str, last: dict[str, int], at: int) -> bool:
    """Whether a word is the number behind one that was said shortly before."""
    if not word.isdecimal() or len(word) > _LONGEST_NUMBER:
        return False
    return at - last.get(str(int(word) - 1), -_REACH) < _REACH


def _again(echoes: list[int], words: list[str]) -> list[int]:
    """Those of some numbers of words whose word came twice before."""
    seen: Counter[str] = Counter()
    found = []
    for index in echoes:
        seen[words[index]] += 1
        if seen[words[index]] > 2:
            found.append(index)
    return found


def _copies(words: list[str], sequence: list[str]) -> list[int]:
    """Numbers of the words that copy a question from its beginning, most of it, if two places do.

    Elsewhere in a question stand titles, which a passage may have again and again.
    """
    most = _most(sequence)
    found: list[int] = []
    places = 0
    for start in range(len(words) - len(most) + 1):
        if words[start] == most[0] and words[start : start + len(most)] == most:
            same = zip(words[start : start + len(sequence)], sequence, strict=False)
            found += range(
                start, start + sum(1 for _ in takewhile(lambda two: two[0] == two[1], same))
            )
            places += 1
    return found if places > 1 else []


def _heading(text: str, found: list[tuple[int, int]], words: list[str], sequence: list[str]) -> int:
    """How many words a first line has that asks the question, if no sentence behind it does."""
    line = text.find("\n", found[0][0]) if found else -1
    many = sum(end <= line for _, end in found[: 2 * len(sequence)])
    most = _most(sequence)
    asks = words[: len(most)] == most and len(most) <= many <= len(sequence) + 1
    if not (asks and words[many:]):
        return 0
    behind = _sentences_of(found[many:], text)
    again = any(words[many + first : many + end] == sequence for first, end in behind)
    return 0 if again else many


def _most(sequence: list[str]) -> list[str]:
    """Return the beginning of a question, most of it."""
    return sequence[: max(_COPY, round(0.6 * len(sequence)))]


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
