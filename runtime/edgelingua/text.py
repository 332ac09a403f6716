"""Tokenizers and text boundaries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex
from tokenizers.pre_tokenizers import ByteLevel, Digits, PreTokenizer, Split
from tokenizers.pre_tokenizers import Sequence as Chain

from edgelingua.bounded import Bounds, ForeignError, attempt, foreign
from edgelingua.errors import BundleError, InputError
from edgelingua.manifest import WordBoundary as WordBoundary  # noqa: PLC0414 - imported from here
from edgelingua.scores import LONGEST_WORD, Spans

CONTINUATION = "##"

BLANKS = " \t\u00a0\u202f"
"""White space inside a line; it goes with the word that follows."""

# Scripts written without spaces: there a "word" by white space is a whole sentence.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_LETTER = rf"[[\p{{L}}\p{{N}}\p{{M}}_]&&[^{_UNSPACED}]]"
_JOINER = r"[.,:/'’\-@&]"
_ASCII_JOINERS = np.asarray([bool(re.match(_JOINER, chr(code))) for code in range(128)])
# 15,500,000 · 3.14 · don't · well-known · e.g · 12:30 · 2026/11 · a@b.org
_WORD = rf"{_LETTER}+(?:{_JOINER}{_LETTER}+)*"
_words = Split(Regex(rf"{_WORD}|(?!\s)\X"), "removed", invert=True)

# What must not be cut, in one piece each: a number, digits grouped by spaces and ranges included;
# the joint of a compound (the "l-k" of well-known).
_DIGITS = r"(?:\p{N}\p{M}*)+"
_GROUPED = r"\p{N}{1,3}(?:[ \u00a0\u202f]\p{N}{3})+(?!\p{N})"
_SIDE = rf"(?:{_GROUPED}|{_DIGITS}|(?={_LETTER})\X)"
_JOINED = rf"(?:(?:{_JOINER}|[–−]){_SIDE})"
_uncuttable = Split(
    Regex(rf"(?:{_GROUPED}|{_DIGITS}){_JOINED}*%?|(?={_LETTER})(?!\p{{M}})\X{_JOINED}+%?"),
    "removed",
    invert=True,
)
_sentences = Split(
    # The full stops and question marks of Chinese, Devanagari, Arabic, Urdu and Ethiopic end one.
    Regex(
        r"(?:[^\n.?!。！？।॥؟۔።፧…]|[.?!…](?![\s\"'”’)\]]))*"
        r"(?:[.?!。！？।॥؟۔።፧…]+[\"'”’)\]」』]*\s*|\n\s*|$)"
    ),
    "isolated",
)
_letters = Split(Regex(_LETTER), "removed", invert=True)
_compounds = Split(Regex(_WORD), "removed", invert=True)
_byte_level = Chain([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])
_graphemes = Split(Regex(r"\X"), "isolated")
# Characters that may be part of a cluster of several: all but those of ASCII, Latin, Greek,
# Cyrillic, the usual punctuation, and ideographs and syllables that come ready-made.
_CLUSTERING = re.compile(
    "[^\x00-\xff\u0100-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u20a0-\u20cf"
    "\u3000-\u3029\u3030-\u3098\u309b-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]+"
)


@dataclass(frozen=True, eq=False)
class Encoding:
    """A tokenized text, without special tokens.

    ``ids`` int64 ``(T,)``; ``spans`` int64 ``(T, 2)`` in characters of the text; ``starts`` bool
    ``(T,)``, whether the piece begins a word.
    """

    ids: NDArray[np.int64]
    spans: Spans
    starts: NDArray[np.bool_]


_STATUS = ("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
"""What tells a file from another, as in `safe_files`."""


class _Tokenizer:
    """A ``tokenizer.json``: here if it is trusted, else under bounds, see `bounded`."""

    def __init__(self, path: Path, special: bool, added: Sequence[str], trusted: bool) -> None:
        self._path = path
        factory = "edgelingua.tokenizer_engine:Engine"
        try:
            now = path.stat()
            size = now.st_size
            status = {name: getattr(now, name) for name in _STATUS}
            made_from = (str(path), special, list(added), status)
            self._engine = foreign(factory, *made_from, bounds=_bounds(size), trusted=trusted)
        except (ForeignError, OSError) as error:
            raise BundleError(
                f"{path}: not a tokenizer.json that tokenizers can read ({error})"
            ) from None
        self._size = size

    def _call(self, name: str, *arguments: Any, size: int) -> Any:
        """Call the engine with something of ``size`` bytes."""
        try:
            return self._engine.call(name, *arguments, bounds=_bounds(self._size, size))
        except ForeignError as error:
            raise BundleError(
                f"{self._path}: it fails on a text of {size} bytes: {error}; the bundle is damaged "
                "or hostile"
            ) from None


def _bounds(file: int, text: int = 0) -> Bounds:
    """What loading a file of so many bytes, or working on a text of so many, may take.

    An honest one takes, on a PC, 33 bytes of memory and 0.1 µs for each byte of the file, up to 250
    bytes and 1 µs for each of a text: a fiftieth of the time, for boards that are slow and busy.
    """
    return Bounds(20 + 2e-6 * file + 50e-6 * text, 256 + (64 * file + 1000 * text) / 1e6)


class TextTokenizer(_Tokenizer):
    """A ``tokenizer.json`` with its own truncation and padding switched off.

    Parameters
    ----------
    path
        The ``tokenizer.json``.
    word_boundary
        How this tokenizer marks words, from the bundle's manifest.
    trusted
        Whether it may run in this process, without bounds of time and memory.

    Raises
    ------
    BundleError
        The file is not a tokenizer; later, when it fails on a text or takes too long.
    """

    def __init__(self, path: Path, word_boundary: WordBoundary, *, trusted: bool = False) -> None:
        # Text is text: what looks like a special token in it is not one.
        super().__init__(path, False, (), trusted)
        self._prefix = CONTINUATION if word_boundary == "wordpiece" else ""

    def encode(self, text: str) -> Encoding:
        """Tokenize without adding special tokens."""
        raw = self._call("encode", text, self._prefix, size=len(text.encode()))
        ids, offsets = (np.frombuffer(column, dtype=np.int64).copy() for column in raw[:2])
        spans = offsets.reshape(-1, 2)
        continues = _inside_compound(text)[spans[:, 0]]
        if self._prefix:
            continues |= np.frombuffer(raw[2], dtype=bool)
        return Encoding(ids, spans, ~continues)

    def count(self, text: str) -> int:
        """Return the number of tokens of ``text``, special tokens not counted."""
        number: int = self._call("count", text, size=len(text.encode()))
        return number


class RawTokenizer(_Tokenizer):
    """A ``tokenizer.json`` as the reference libraries use it: special tokens in a text count.

    `TextTokenizer` takes text for text and knows where in it a token stands. This one gives pieces
    and strings, as those expect who put a text together again from pieces.

    Parameters
    ----------
    path
        The ``tokenizer.json``.
    added
        Special tokens to add. Those that the vocabulary lacks are recognised in a text, and have
        the unknown token's id.
    trusted
        As in `TextTokenizer`.

    Raises
    ------
    BundleError
        The file is not a tokenizer; later, when it fails on a text or takes too long.
    """

    def __init__(self, path: Path, added: Sequence[str] = (), *, trusted: bool = False) -> None:
        super().__init__(path, True, added, trusted)
        self.special_tokens = frozenset(self._call("special_tokens", size=0)) - frozenset(added)
        self._missing = frozenset(self._call("missing", size=0))

    def tokens(self, text: str) -> list[str]:
        """Cut a text into pieces, no special tokens around them."""
        pieces: list[str] = self._call("tokens", text, size=len(text.encode()))
        return pieces

    def ids(self, text: str, *, special: bool = False) -> list[int]:
        """Ids of the pieces; ``special``: with the tokens that the tokenizer puts around a text."""
        ids: list[int] = self._call("ids", text, special, size=len(text.encode()))
        return ids

    def known(self, tokens: Sequence[str]) -> tuple[list[int], list[str]]:
        """Ids of tokens, and the tokens as the vocabulary knows them.

        Raises
        ------
        BundleError
            A token is not in the vocabulary, and there is no unknown token.
        """
        ids, names = [], []
        found = self._call("numbers", list(tokens), size=sum(map(len, tokens)))
        for token, known in zip(tokens, found, strict=True):
            number = None if token in self._missing else known
            if number is None:
                number, unknown = self._unknown
                names.append(token if token in self._missing else unknown)
            else:
                names.append(token)
            ids.append(number)
        return ids, names

    @cached_property
    def _unknown(self) -> tuple[int, str]:
        """Id and name of the unknown token."""
        found: tuple[int, str] | None = self._call("unknown", size=self._size)
        if found is None:
            raise BundleError(f"{self._path}: a token is not in its vocabulary, nor an unknown one")
        return found

    def join(self, tokens: Sequence[str]) -> str:
        """Put pieces together, as the tokenizer's decoder does."""
        text: str = self._call("join", list(tokens), size=sum(map(len, tokens)))
        return text

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids, special tokens included."""
        return self.decode_all([ids])[0]

    def decode_all(self, each: Sequence[Sequence[int]]) -> list[str]:
        """Texts of several lists of ids; in a worker one question takes long, not its answer."""
        lists = [list(ids) for ids in each]
        texts: list[str] = self._call("decode", lists, size=sum(map(len, lists)))
        return texts


def byte_level_words(text: str) -> list[str]:
    """Split a text as GPT-2 does, and every digit off; bytes are written as its letters."""
    return [word for word, _ in _byte_level.pre_tokenize_str(text)]


def words(text: str) -> Spans:
    """Words, punctuation marks and characters of unspaced scripts: int64 ``(n, 2)``.

    Numbers and abbreviations with inner punctuation are one word; white space belongs to none.
    """
    spans = _pieces(_words, text)
    if not len(spans) or (spans[:, 1] - spans[:, 0]).max() <= LONGEST_WORD:
        return spans
    pieces: list[tuple[int, int]] = []
    for start, end in spans.tolist():
        borders = [*range(start, end, LONGEST_WORD), end]
        pieces += pairwise(borders)
    return np.asarray(pieces, dtype=np.int64)


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
    or a number (15,500,000), of which half says something else; nor beside what joins two words
    (don't, well-known); nor between a word and whatever stands right before it that is not a blank
    (a line break, a bracket, a dash, a sign): without it the word would run into the one before.
    """
    allowed = _cluster_edges(text) & ~joined(text)
    letters = _letter_mask(text)
    allowed[1:-1] &= ~(letters[1:] & ~letters[:-1] & ~blanks(text)[:-1])
    compounds = _pieces(_compounds, text)
    for start, end in compounds[compounds[:, 1] - compounds[:, 0] > LONGEST_WORD].tolist():
        allowed[start:end] = _cluster_edges(text[start:end])[:-1]
    allowed[[0, -1]] = True
    return allowed


def joined(text: str) -> NDArray[np.bool_]:
    """Offsets inside a number or at the joint of a compound: bool ``(len(text) + 1,)``."""
    return interior(_pieces(_uncuttable, text), len(text))


def graphemes(text: str) -> NDArray[np.int64]:
    """Where characters as people see them begin, and the end of the text: offsets, ascending."""
    return np.flatnonzero(_cluster_edges(text))


def interior(ranges: Spans, length: int) -> NDArray[np.bool_]:
    """Offsets ``0 … length`` strictly inside one of the character ranges: ``(length + 1,)``."""
    depth = np.zeros(length + 2, dtype=np.int64)
    ranges = ranges[ranges[:, 1] > ranges[:, 0]]
    np.add.at(depth, ranges[:, 0] + 1, 1)
    np.add.at(depth, ranges[:, 1], -1)
    inside: NDArray[np.bool_] = np.cumsum(depth)[:-1] > 0
    return inside


def _letter_mask(text: str) -> NDArray[np.bool_]:
    """Whether a character is a letter, digit or mark of a spaced script: ``(len(text),)``."""
    if text.isascii():
        return _ascii_letters()[np.frombuffer(text.encode("ascii"), dtype=np.uint8)]
    characters, which = np.unique(_code_points(text), return_inverse=True)
    # Each once, with blanks between: what a character is does not depend on its place.
    apart = " ".join(map(chr, characters.tolist()))
    known = np.zeros(len(characters), dtype=bool)
    known[_pieces(_letters, apart)[:, 0] // 2] = True
    mask: NDArray[np.bool_] = known[which]
    return mask


@cache
def _ascii_letters() -> NDArray[np.bool_]:
    """Whether a character of ASCII is a letter or digit: ``(128,)``."""
    known = np.zeros(128, dtype=bool)
    known[_pieces(_letters, " ".join(map(chr, range(128))))[:, 0] // 2] = True
    return known


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


def alphanumeric(text: str) -> NDArray[np.bool_]:
    """Whether a character is a letter or digit of any script: ``(len(text),)``."""
    characters, which = np.unique(_code_points(text), return_inverse=True)
    known = np.asarray([chr(each).isalnum() for each in characters.tolist()], dtype=bool)
    mask: NDArray[np.bool_] = known[which]
    return mask


def blanks(text: str) -> NDArray[np.bool_]:
    """Whether a character is one of `BLANKS`: ``(len(text),)``."""
    return np.isin(_code_points(text), [ord(blank) for blank in BLANKS])


def _cluster_edges(text: str) -> NDArray[np.bool_]:
    """Whether a grapheme cluster begins at an offset, or the text ends: ``(len(text) + 1,)``.

    Most text has clusters of one character only, which costs nothing; the Unicode rules are asked
    about the rest, with a character on both sides.
    """
    edges = np.ones(len(text) + 1, dtype=bool)
    edges[[match.start() + 1 for match in re.finditer("\r\n", text)]] = False
    for match in _CLUSTERING.finditer(text):
        start, end = max(0, match.start() - 1), min(len(text), match.end() + 1)
        edges[start + 1 : end] = False
        # Whether one begins at the first of them depends on what stands before it.
        edges[_pieces(_graphemes, text[start:end])[1:, 0] + start] = True
    return edges


def _inside_compound(text: str) -> NDArray[np.bool_]:
    """Return, per character, whether it goes on a word, joined parts (well-known) included.

    The words are those of `_WORD`, up to `LONGEST_WORD`.
    """
    if not text.isascii():
        compounds = _pieces(_compounds, text)
        return interior(compounds[compounds[:, 1] - compounds[:, 0] <= LONGEST_WORD], len(text))
    # Every text is asked: here looking at its characters takes a fraction of the time.
    codes = np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    letters = np.pad(_ascii_letters()[codes], 1)
    part = letters.copy()
    joins = np.flatnonzero(_ASCII_JOINERS[codes])
    part[joins + 1] = letters[joins] & letters[joins + 2]
    change = np.flatnonzero(part[1:] != part[:-1])
    sizes = change[1::2] - change[::2]
    for word in np.flatnonzero(sizes > LONGEST_WORD).tolist():
        part[change[2 * word] + 1 : change[2 * word + 1] + 1] = False
    inside: NDArray[np.bool_] = part[1:] & part[:-1]
    return inside


def _pieces(splitter: PreTokenizer, text: str) -> Spans:
    """Spans of the pieces, ``(n, 2)``; a long text is split block by block, to save memory."""
    found = [np.zeros((0, 2), dtype=np.int64)]
    start = 0
    while start < len(text):
        end = _block_end(text, start)
        try:
            pieces = attempt(splitter.pre_tokenize_str, text[start:end])
        except ForeignError as error:
            raise InputError(f"a text of {len(text)} characters: {error}") from None
        offsets = [span for _, span in pieces]
        found.append(np.asarray(offsets, dtype=np.int64).reshape(-1, 2) + start)
        start = end
    return np.concatenate(found)


_BLOCK = 1 << 16


def _block_end(text: str, start: int) -> int:
    """Return an end for a block at which no piece can be cut: behind a line break, or a blank."""
    if len(text) - start <= _BLOCK:
        return len(text)
    for mark in ("\n", " "):
        # What follows must not belong to the mark: another blank, or a combining character.
        at = text.rfind(mark, start + 1, start + _BLOCK)
        while at > start and not text[at + 1].isalpha():
            at = text.rfind(mark, start + 1, at)
        if at > start:
            return at + 1
    return len(text)
