"""Where a text may be cut: words, sentences, grapheme clusters, numbers and compounds."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex
from tokenizers.pre_tokenizers import ByteLevel, Digits, PreTokenizer, Split
from tokenizers.pre_tokenizers import Sequence as Chain

from edgelingua.errors import InputError
from edgelingua.system.bounded import ForeignError, attempt
from edgelingua.text.encodings import refuse_surrogates
from edgelingua.text.ranges import LONGEST_WORD, Spans, as_spans

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
_GERMAN_MONTHS = (
    "Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
)
_sentences = Split(
    # The full stops and question marks of Chinese, Devanagari, Arabic, Urdu, Ethiopic, Tibetan,
    # Khmer and Burmese end one; that of "20. März" does not.
    Regex(
        r"(?:[^\n.?!。！？।॥؟۔።፧།༎។။…]|[.?!…](?![\s\"'”’)\]])"
        rf"|(?<=\d)\.(?=\s(?:{_GERMAN_MONTHS})\b))*"
        r"(?:[.?!。！？।॥؟۔።፧།༎។။…]+[\"'”’)\]」』]*\s*|\n\s*|$)"
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


def before_blanks(text: str, at: int) -> int:
    """Return where the blanks begin that stand before a place: they go with what follows them."""
    while at > 0 and text[at - 1] in BLANKS:
        at -= 1
    return at


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


def inside_compound(text: str) -> NDArray[np.bool_]:
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
            refuse_surrogates(text)
            raise InputError(f"a text of {len(text)} characters: {error}") from None
        offsets = [span for _, span in pieces]
        found.append(as_spans(offsets) + start)
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
