"""Tokenizers of bundles: a ``tokenizer.json``, run here if it is trusted, else under bounds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import BundleError
from edgelingua.system.bounded import Bounds, ForeignError, foreign
from edgelingua.text import WordBoundary
from edgelingua.text.boundaries import inside_compound
from edgelingua.text.encodings import refuse_surrogates
from edgelingua.text.ranges import Spans

CONTINUATION = "##"


@dataclass(frozen=True, eq=False)
class Encoding:
    """A tokenized text, without special tokens.

    ``ids`` int64 ``(T,)``; ``spans`` int64 ``(T, 2)`` in characters of the text; ``starts`` bool
    ``(T,)``, whether the piece begins a word.
    """

    ids: NDArray[np.int64]
    spans: Spans
    starts: NDArray[np.bool_]


_NOBODYS = "\U0010fffd"
"""A character of private use: no vocabulary has a piece for it."""

_STATUS = ("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
"""What tells a file from another, as in `files.safe`."""


class TextTokenizer:
    """A ``tokenizer.json`` with its own truncation and padding switched off.

    Text is text: what looks like a special token in it is not one.

    Parameters
    ----------
    path
        The ``tokenizer.json``.
    word_boundary
        How this tokenizer marks words, from the bundle's manifest.
    trusted
        Whether it may run in this process; otherwise under bounds of time and memory, see
        `system.bounded`.

    Raises
    ------
    BundleError
        The file is not a tokenizer; later, when it fails on a text or takes too long.
    """

    def __init__(self, path: Path, word_boundary: WordBoundary, *, trusted: bool = False) -> None:
        self._path = path
        self._prefix = CONTINUATION if word_boundary == "wordpiece" else ""
        factory = "edgelingua.text.tokenizer_engine:Engine"
        try:
            now = path.stat()
            size = now.st_size
            status = {name: getattr(now, name) for name in _STATUS}
            bounds = _bounds(size)
            self._engine = foreign(factory, str(path), status, bounds=bounds, trusted=trusted)
        except (ForeignError, OSError) as error:
            raise BundleError(
                f"{path}: not a tokenizer.json that tokenizers can read ({error})"
            ) from None
        self._size = size

    def encode(self, text: str) -> Encoding:
        """Tokenize without adding special tokens."""
        raw = self._call("encode", text, self._prefix)
        ids, offsets = (np.frombuffer(column, dtype=np.int64).copy() for column in raw[:2])
        spans = offsets.reshape(-1, 2)
        continues = inside_compound(text)[spans[:, 0]]
        if self._prefix:
            continues |= np.frombuffer(raw[2], dtype=bool)
        return Encoding(ids, spans, ~continues)

    def count(self, text: str) -> int:
        """Return the number of tokens of ``text``, special tokens not counted."""
        number: int = self._call("count", text)
        return number

    def unknown(self, text: str) -> float:
        """Return the share of the characters of ``text`` that there is no piece for."""
        if not text:
            return 0.0
        unknown = self.encode(_NOBODYS).ids[-1]
        encoding = self.encode(text)
        spans = encoding.spans[encoding.ids == unknown]
        return float((spans[:, 1] - spans[:, 0]).sum()) / len(text)

    def _call(self, name: str, text: str, *arguments: Any) -> Any:
        refuse_surrogates(text)
        size = len(text.encode())
        try:
            return self._engine.call(name, text, *arguments, bounds=_bounds(self._size, size))
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
