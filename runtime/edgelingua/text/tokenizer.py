"""Tokenizers of bundles: a ``tokenizer.json``, run here if it is trusted, else under bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import BundleError
from edgelingua.system.bounded import Bounds, ForeignError, foreign
from edgelingua.text import WordBoundary
from edgelingua.text.boundaries import inside_compound
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


_STATUS = ("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
"""What tells a file from another, as in `files.safe`."""


class _Tokenizer:
    """A ``tokenizer.json``: here if it is trusted, else under bounds, see `system.bounded`."""

    def __init__(self, path: Path, special: bool, added: Sequence[str], trusted: bool) -> None:
        self._path = path
        factory = "edgelingua.text.tokenizer_engine:Engine"
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
        continues = inside_compound(text)[spans[:, 0]]
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
