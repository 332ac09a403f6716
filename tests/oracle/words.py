"""From pieces to words, in the two ways llmlingua 0.2.2 knows: BERT's and XLM-R's."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgelingua.errors import InputError
from edgelingua.text import WordBoundary
from edgelingua.text.tokenizer import CONTINUATION

_MARK = "▁"
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r'\w+|[-<>=/!@#$%^&*()?":{}|\\`~;+]')

Probability = Any
"""A float32 scalar of numpy, or a Python float where a piece is forced: which of the two it is
decides in what precision the reference computes thresholds."""


@dataclass(frozen=True)
class Forcing:
    """What must stay: tokens, and the added token that stands for each that is not one piece."""

    tokens: Sequence[str]
    stand_ins: Mapping[str, str]
    digits: bool

    def protect(self, text: str) -> str:
        """Put the stand-ins into a text."""
        for token, stand_in in self.stand_ins.items():
            text = text.replace(token, stand_in)
        return text

    def restore(self, text: str) -> str:
        """Put the forced tokens back."""
        for token, stand_in in self.stand_ins.items():
            text = text.replace(stand_in, token)
        return text

    def names(self, piece: str) -> bool:
        """Whether a piece is a forced token or a stand-in."""
        return piece in self.tokens or piece in self.stand_ins.values()


@dataclass(frozen=True)
class Words:
    """Words, and per word the probabilities of its pieces.

    ``unforced`` has, for every piece, the probability of the word's first: the reference's
    context filter works on that.
    """

    words: list[str]
    forced: list[list[Probability]]
    unforced: list[list[Probability]]


@dataclass(frozen=True)
class WordMerger:
    """Joins pieces to words.

    Parameters
    ----------
    boundary
        ``wordpiece``: what begins with "##" goes on a word. ``space``: what begins with "▁" starts
        one, and so does a piece that is part of the string of all punctuation marks.
    special
        Tokens to leave out.
    """

    boundary: WordBoundary
    special: frozenset[str]

    def merge(
        self, pieces: Sequence[str], probabilities: Sequence[Probability], forcing: Forcing
    ) -> Words:
        """Join pieces; what is forced has probability 1.

        Raises
        ------
        InputError
            The first piece goes on a word.
        """
        found = Words([], [], [])
        first: Probability = None
        for piece, probability in zip(pieces, probabilities, strict=True):
            if piece in self.special:
                continue
            bare = self._bare(piece)
            if self._begins(piece, forcing):
                first = probability
                word = forcing.restore(piece)
                value = 1.0 if forcing.names(bare) or _is_number(word, forcing) else probability
                found.words.append(word)
                found.forced.append([value])
                found.unforced.append([first])
                continue
            if not found.words:
                raise InputError(
                    "the chunk begins with a token that goes on a word; llmlingua 0.2.2 fails here "
                    "too"
                )
            found.words[-1] += bare
            found.forced[-1].append(1.0 if _is_number(piece, forcing) else probability)
            found.unforced[-1].append(first)
        return found

    def shown(self, word: str) -> str:
        """Return a word as labels show it."""
        return word if self.boundary == "wordpiece" else word.lstrip(_MARK)

    def _begins(self, piece: str, forcing: Forcing) -> bool:
        if self.boundary == "wordpiece":
            return forcing.names(self._bare(piece)) or not piece.startswith(CONTINUATION)
        # "in" finds runs of marks too, as long as they stand in the order of ASCII.
        return piece in string.punctuation or forcing.names(piece) or piece.startswith(_MARK)

    def _bare(self, piece: str) -> str:
        # lstrip takes a set of characters: every "#" goes, not just a prefix of two.
        return piece.lstrip(CONTINUATION if self.boundary == "wordpiece" else _MARK)


def mean_probability(pieces: Sequence[Probability], how: str) -> Probability:
    """Probability of a word: that of its first piece, or the mean in the pieces' precision."""
    return pieces[0] if how == "first" else sum(pieces) / len(pieces)


def split_words(text: str) -> list[str]:
    """Words and marks for the labels of a text that no model has looked at."""
    return _WORD.findall(text)


def _is_number(piece: str, forcing: Forcing) -> bool:
    return forcing.digits and bool(_DIGIT.search(piece))
