"""Parts of a sentence that each say something: from one verb with what belongs to it to the next.

A part ends at a comma, a bracket or a conjunction, if what follows has a verb of its own; before a
second verb ("who bought the lantern | sold the compass"); and before an infinitive or participle
with an object ("asked Oskar | to sell the lantern").
"""

from __future__ import annotations

import re
from typing import NamedTuple

from edgelingua.text.grammar import CLASS, Class, is_past

_TOKEN = re.compile(
    r"[^\W_\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]++(?:[.'’\-&/]\w++)*|[,;:()\[\]—–\n]"
)
_INSIDE = re.compile(r".?[,–]\s?\d|\w[(\[]|.?[)\]](?=\w)")
"""Marks that part nothing: "May 1, 1911", "1911 – 1920", "T(n)"."""
_TIME = re.compile(r"(?:until|since|bis|seit)\s(?:\d|[A-Z])", re.IGNORECASE)
"""When, and not a clause."""
_NAMES = frozenset({"May", "Will", "US", "IT"})
_GERMAN_RELATIVES = frozenset({"der", "die", "das", "den", "dem", "deren", "dessen"})
_SMALL = frozenset({Class.DETERMINER, Class.PREPOSITION, Class.PRONOUN})
_OBJECT = frozenset({Class.DETERMINER, Class.PRONOUN})
_ARTICLES = frozenset({"the", "The", "a", "an"})
_PARTICIPLE = re.compile(r"(?:é|u|i|it|is|ert)(?:e?s?)$")
"""Of French, behind "a"."""

CONJUNCTIONS = frozenset({Class.COORDINATOR, Class.SUBORDINATOR, Class.RELATIVE})
"""What opens a part."""


class Token(NamedTuple):
    """A word, where it stands, and its class, if that is a closed one."""

    start: int
    end: int
    word: str
    kind: Class | None


def sentence_parts(text: str, begin: int, end: int) -> list[tuple[list[Token], bool]]:
    """Cut a sentence: the words of each part, and whether it is about the last one before it."""
    parts = _Parts()
    for match in _TOKEN.finditer(text, begin, end):
        word = match.group()
        if not word[0].isalnum():
            if not _INSIDE.match(text, max(0, match.start() - 1)):
                parts.close(before_clause=False)
            continue
        kind = CLASS.get(word.lower()) if word not in _NAMES else None
        if kind is Class.SUBORDINATOR and _TIME.match(text, match.start()):
            kind = Class.PREPOSITION
        parts.add(Token(*match.span(), word, kind))
    parts.close()
    return parts.found


class _Parts:
    """The parts of a sentence, as its words come."""

    def __init__(self) -> None:
        self.found: list[tuple[list[Token], bool]] = []
        self._begin(about=False)

    def _begin(self, *, about: bool) -> None:
        self._words: list[Token] = []
        self._about = about  # the last word of the part before
        self._nominal = 0  # words of items before the last mark
        self._opening = True  # no word yet but conjunctions
        self._verbal = False  # there is a verb

    def close(self, *, about: bool = False, before_clause: bool = True) -> None:
        """End a part, if it says something; else it belongs to the part before, or the next."""
        words = self._words
        if not self._about and _is_nominal(words[self._nominal :]):
            if self.found:
                self.found[-1][0].extend(words)
                words = []
            elif not before_clause:  # "By September, nobody": with what follows
                self._nominal = len(words)
                return
        if words:
            self.found.append((words, self._about))
        self._begin(about=about)

    def add(self, token: Token) -> None:
        """Take the next word."""
        words = self._words
        alone = len(words) == self._nominal + 1
        if words and (kind := _other_class(words[-1], token, alone=alone)):
            last = words.pop()._replace(kind=kind)
            if kind is Class.RELATIVE:
                self.close(about=True)
                words = self._words
            words.append(last)
            self._opening, self._verbal = False, self._verbal or kind is Class.AUXILIARY
        opens, acts = token.kind in CONJUNCTIONS, is_verb(token, words[-1] if words else None)
        if opens and not self._opening:
            self.close(
                about=token.kind is Class.RELATIVE,
                before_clause=token.kind is not Class.COORDINATOR,
            )
        elif len(words) > 2 and opens_clause(words[-2], words[-1], token):
            if not is_verb(words[-3], None):  # refused to sell
                opening = words[-2:]
                del words[-2:]
                self.close(about=True)
                self._words += opening
                self._opening, self._verbal = False, True
        elif acts and self._verbal and words[-1].kind is None and not is_past(words[-1].word):
            first = first_verb(words)
            if first is not None and _is_participle(words[first], words[first + 1]):
                words[first] = words[first]._replace(kind=Class.PREPOSITION)
            else:
                self.close(about=True)  # who bought the lantern | sold the compass
        self._words.append(token)
        self._opening &= opens
        self._verbal |= acts


def _other_class(token: Token, behind: Token, *, alone: bool) -> Class | None:
    """Return what an article is in truth: "der den Brief schrieb", "a vendu la maison"."""
    if token.kind is Class.DETERMINER:
        if alone and token.word in _GERMAN_RELATIVES and behind.kind in _SMALL:
            return Class.RELATIVE
        if token.word == "a" and behind.kind is None and _PARTICIPLE.search(behind.word):
            return Class.AUXILIARY
    return None


def is_verb(token: Token, before: Token | None) -> bool:
    """Whether a word is a verb, as far as English endings and small words show it."""
    if token.kind is not Class.AUXILIARY and (token.kind or not is_past(token.word)):
        return False
    # the painted filter, in armed conflict
    return before is None or before.kind not in (Class.DETERMINER, Class.PREPOSITION)


def _is_participle(token: Token, behind: Token) -> bool:
    """Whether a word in the past, before another verb, is such as in "engines equipped with"."""
    return token.kind is None and behind.kind in (Class.PREPOSITION, Class.ADVERB)


def opens_clause(first: Token, second: Token, third: Token) -> bool:
    """Whether words are such as "to sell the" or "after selling it"."""
    return (
        first.kind is Class.PREPOSITION
        and second.kind is None
        and (first.word == "to" or second.word.endswith("ing"))
        and (third.kind in (Class.DETERMINER, Class.PRONOUN) or third.word[0].isupper())
        and second.word[0].islower()
    )


def _is_nominal(tokens: list[Token]) -> bool:
    """Whether words name something and say nothing of it: an item of a list."""
    if tokens and tokens[0].kind in (Class.SUBORDINATOR, Class.RELATIVE):
        return False
    run: list[Token] = []
    known = False  # the Hamiltonian path
    for token in tokens:
        if token.kind is None:
            run.append(token)
        else:
            # "paints the", and "Nadia works in"
            if run and (token.kind in _OBJECT or (not known and is_named(run))):
                return False
            known = token.word in _ARTICLES
            run = []
    return (known or not is_named(run)) and first_verb(tokens) is None


def is_named(run: list[Token]) -> bool:
    """Whether a name or a German noun stands before a word in small letters."""
    return len(run) > 1 and run[-1].word[0].islower() and all(t.word[0].isupper() for t in run[:-1])


def first_verb(tokens: list[Token]) -> int | None:
    """Where the first verb stands."""
    before = None
    for number, token in enumerate(tokens):
        if is_verb(token, before):
            return number
        before = token
    return None
