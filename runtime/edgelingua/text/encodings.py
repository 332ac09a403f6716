"""Which encoding a text is in that is not the UTF-8 it should be, as far as its bytes tell."""

from __future__ import annotations

import codecs
import re
import unicodedata

from edgelingua.errors import InputError

_MARKS = (  # the longer ones first: UTF-16's is the beginning of UTF-32's
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_ORDERS = ("UTF-16LE", "UTF-16BE")

_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text has which is written in bytes; escape sequences may colour one."""

_LETTERS = re.compile(rb"[A-Za-z ]")

# Where the letters of living languages are: all scripts but those of ideographs and syllables
# begin below the first number.
_USUAL = ((0, 0x33FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xFF00, 0xFFEF), (0x10000, 0x10FFFF))

_LOOKED_AT = 1 << 16


def refuse_surrogates(text: str, name: str = "") -> None:
    """Refuse a text with half a surrogate pair, as bytes that are no UTF-8 leave.

    Raises
    ------
    InputError
        It has one: neither a tokenizer nor a file takes it.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        where = f"{name}: character" if name else "character"
        raise InputError(
            f"{where} {error.start} is a lone surrogate: the text was not valid UTF-8"
        ) from None


def wide_encoding(raw: bytes) -> str | None:
    """Return the name, as iconv has it, of the UTF-16 or UTF-32 that a text is in; else ``None``.

    Without a byte order mark, UTF-16 shows in control characters, which halves of its characters
    are; the right order of bytes is the one that makes characters that texts are made of.
    """
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name
    head = raw[:_LOOKED_AT]
    if len(raw) % 2 or not _CONTROLS.search(head):
        return None
    shares = {name: _usual_share(head, name) for name in _ORDERS}
    best = max(shares, key=shares.__getitem__)
    firsts = head[best == "UTF-16LE" :: 2]
    low = sum(byte < 0x20 for byte in firsts) > 0.5 * len(firsts)
    # Any two letters of ASCII are an ideograph too: a text with a stray control is not UTF-16.
    mostly_ascii = len(_LETTERS.findall(head)) > 0.6 * len(head)
    return best if shares[best] >= 0.9 and (low or not (mostly_ascii or _is_utf8(raw))) else None


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _usual_share(raw: bytes, encoding: str) -> float:
    """Share of usual characters in what ``raw`` decodes to; 0 if any is none that a text has."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(raw)  # the last may be cut off
    except UnicodeDecodeError:
        return 0
    # Controls, surrogates, private and unassigned code points: the wrong order is full of them.
    if not text or any(
        unicodedata.category(c) in ("Cc", "Cn", "Co") and c not in "\t\n\r\f\x1b" for c in set(text)
    ):
        return 0
    return sum(map(_is_usual, text)) / len(text)


def _is_usual(character: str) -> bool:
    code = ord(character)
    # ASCII in the wrong order is ideographs with nothing in their second half.
    swapped = code > 0xFF and code % 256 == 0 and character != "一"
    return not swapped and any(first <= code <= last for first, last in _USUAL)
