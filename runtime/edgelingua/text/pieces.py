"""Where a piece of text between two blanks may be cut: at its end, before closing punctuation.

``min_size=4,`` without its comma says the same; ``=4`` says something else, behind another word.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from edgelingua.text.boundaries import alphanumeric

LONGEST_PIECE = 256
"""Characters; what is longer (minified code, a chain of calls) is cut like a text of its own."""

# Scripts without spaces, and their punctuation: there a word is what the boundaries say.
_UNSPACED = (
    r"\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
)
_PIECE = re.compile(rf"[^\s{_UNSPACED}]{{2,}}+")
_CLOSING = re.compile(r"[.,;:!?…'’\"”»)\]}*_।॥؟۔።፧،]+$")
_PAIRS = {")": "(", "]": "[", "}": "{", "”": "“", "»": "«", '"': '"', "'": "'", "’": "‘"}
_PARTS = re.compile(r"[,;{}()\[\]|&]+")
_ADDRESS = re.compile(r"[\"'(<\[]?(?:[A-Za-z][A-Za-z0-9+.\-]{0,15}://|data:)")


def uncut(text: str) -> NDArray[np.bool_]:
    """Offsets at which a cut would leave a part of a piece that says something else.

    Returns
    -------
    ndarray
        bool ``(len(text) + 1,)``. A piece is what stands between white space, or characters of
        scripts without spaces. It may be cut before punctuation at its end, but not before what
        closes something that was opened inside it. One of more than `LONGEST_PIECE` characters may
        be cut between its parts, behind brackets, commas and the like, or anywhere where it is
        written in letters of other scripts than Latin; a link never.
    """
    inside = np.zeros(len(text) + 1, dtype=bool)
    real = np.concatenate([alphanumeric(text), [False]])
    for match in _PIECE.finditer(text):
        start, end = match.span()
        piece = match.group()
        if end - start > LONGEST_PIECE and not _ADDRESS.match(piece):
            if piece.isascii():
                inside[start + 1 : end] = True
                inside[[start + part.end() for part in _PARTS.finditer(piece)]] = False
            continue
        inside[start + 1 : end] = True
        closing = None if piece[-1].isalnum() else _CLOSING.search(piece)  # most are words
        if closing is None:
            continue
        at = start + closing.start()
        while at < end and not _is_loose(text[at], text[start:at]):
            at += 1
        if real[start:at].any():
            inside[at:end] = False
    return inside


def _is_loose(mark: str, before: str) -> bool:
    """Whether a mark closes nothing that was opened before it in the piece."""
    opens = _PAIRS.get(mark)
    return opens is None or opens not in before
