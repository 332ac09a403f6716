"""Tokenizers and text boundaries: the only file that imports ``tokenizers``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer
from tokenizers.pre_tokenizers import PreTokenizer, Split

from edgelingua.errors import BundleError
from edgelingua.scores import Spans

WordBoundary = Literal["wordpiece", "space"]
"""How a tokenizer marks words. ``space`` (byte-level BPE, SentencePiece): a piece goes on a word
when it begins inside one of the text's words, as letters, digits and what joins them make them.
``wordpiece``: also when it begins with the continuation prefix."""

WORD_BOUNDARIES: tuple[WordBoundary, ...] = get_args(WordBoundary)

CONTINUATION = "##"

# Scripts written without spaces: there a "word" by white space is a whole sentence.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_LETTER = rf"[[\p{{L}}\p{{N}}\p{{M}}_]&&[^{_UNSPACED}]]"
_JOINER = r"[.,:/'’\-@&]"
# 15,500,000 · 3.14 · don't · well-known · e.g · 12:30 · 2026/11 · a@b.org
_WORD = rf"{_LETTER}+(?:{_JOINER}{_LETTER}+)*"
_words = Split(Regex(rf"{_WORD}|(?!\s)\X"), "removed", invert=True)

# What must not be cut, in one piece each: a number; the joint of a compound (the "l-k" of
# well-known); what opens a word with that word's first letter; else a grapheme cluster.
_ATOM = rf"(?:(?:\p{{N}}\p{{M}}*)+|(?={_LETTER})\X)"
_OPENER = r"[\p{Ps}\p{Pi}\p{Sc}\"'#@~]"
_uncuttable = Split(Regex(rf"{_OPENER}*{_ATOM}(?:{_JOINER}{_ATOM})*%?|\X"), "isolated")
_sentences = Split(
    Regex(r"(?:[^\n.?!。！？…]|[.?!…](?![\s\"'”’)\]]))*(?:[.?!。！？…]+[\"'”’)\]]*\s*|\n\s*|$)"),
    "isolated",
)
_compounds = Split(Regex(_WORD), "removed", invert=True)
_graphemes = Split(Regex(r"\X"), "isolated")


@dataclass(frozen=True, eq=False)
class Encoding:
    """A tokenized text, without special tokens.

    ``ids`` int64 ``(T,)``; ``spans`` int64 ``(T, 2)`` in characters of the text; ``starts`` bool
    ``(T,)``, whether the piece begins a word.
    """

    ids: NDArray[np.int64]
    spans: Spans
    starts: NDArray[np.bool_]


class TextTokenizer:
    """A ``tokenizer.json`` with its own truncation and padding switched off.

    Parameters
    ----------
    path
        The ``tokenizer.json``.
    word_boundary
        How this tokenizer marks words, from the bundle's manifest.

    Raises
    ------
    BundleError
        The file is not a tokenizer.
    """

    def __init__(self, path: Path, word_boundary: WordBoundary) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises plain Exception for every fault
            raise BundleError(
                f"{path}: not a tokenizer.json that tokenizers can read ({error})"
            ) from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._word_boundary = word_boundary

    def encode(self, text: str) -> Encoding:
        """Tokenize without adding special tokens."""
        raw = self._tokenizer.encode(text, add_special_tokens=False)
        ids = np.asarray(raw.ids, dtype=np.int64)
        spans = np.asarray(raw.offsets, dtype=np.int64).reshape(-1, 2)
        continues = _inside_compound(text)[spans[:, 0]]
        if self._word_boundary == "wordpiece":
            continues |= np.asarray([t.startswith(CONTINUATION) for t in raw.tokens], dtype=bool)
        return Encoding(ids, spans, ~continues)

    def count(self, text: str) -> int:
        """Return the number of tokens of ``text``, special tokens not counted."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def words(text: str) -> Spans:
    """Words, punctuation marks and characters of unspaced scripts: int64 ``(n, 2)``.

    Numbers and abbreviations with inner punctuation are one word; white space belongs to none.
    """
    return _pieces(_words, text)


def count_words(text: str) -> int:
    """Return the number of `words` of ``text``."""
    return len(words(text))


def sentences(text: str) -> Spans:
    """Sentences with the white space that follows them: int64 ``(n, 2)``, tiling the text.

    A sentence ends at a line break, or at a full stop, question or exclamation mark that white
    space or a closing quotation mark follows.
    """
    return _pieces(_sentences, text)


def cuttable(text: str) -> NDArray[np.bool_]:
    """Where a text may be cut: bool ``(len(text) + 1,)``.

    Never inside a grapheme cluster (a letter and its accents, an emoji sequence; Unicode UAX #29)
    or a number ($15,500,000), of which half says something else; nor beside what joins two words
    (don't, well-known) or opens one, which would leave words run together.
    """
    allowed = np.zeros(len(text) + 1, dtype=bool)
    allowed[_pieces(_uncuttable, text)] = True
    allowed[[0, -1]] = True
    return allowed


def graphemes(text: str) -> NDArray[np.int64]:
    """Where characters as people see them begin, and the end of the text: offsets, ascending."""
    return np.append(_pieces(_graphemes, text)[:, 0], len(text))


def _inside_compound(text: str) -> NDArray[np.bool_]:
    """Return, per character, whether it goes on a word, joined parts (well-known) included."""
    inside = np.zeros(len(text) + 1, dtype=bool)
    for start, end in _pieces(_compounds, text).tolist():
        inside[start + 1 : end] = True
    return inside


def _pieces(splitter: PreTokenizer, text: str) -> Spans:
    offsets = [span for _, span in splitter.pre_tokenize_str(text)]
    return np.asarray(offsets, dtype=np.int64).reshape(-1, 2)
