"""Memories: the cells that a document left in a reader's cache, and their files (``.soft``)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import InputError, StateError
from edgelingua.files import npz

FORMAT = 1
"""Version of the file's layout."""

NO_TOKEN = -1
"""What stands in place of a token where a learned vector was read."""

_MARK = "edgelingua memory"
_ARRAYS: Mapping[str, type[np.generic]] = {
    "positions": np.int64,
    "tokens": np.int32,
    "keys": np.float16,
    "values": np.float16,
}


@dataclass(frozen=True)
class CellLayout:
    """What decides the numbers in a cell, and how many there are.

    ``reader``: SHA-256 of the model's file. ``rotary``: which channels of a key turn together, by
    llama.cpp's name, ``norm`` (neighbours) or ``neox`` (halves). ``layers``; ``heads``, those of
    keys and values in each layer; ``key_size`` and ``value_size`` of one head.
    """

    reader: str
    rotary: str
    layers: int
    heads: int
    key_size: int
    value_size: int


@dataclass(frozen=True, eq=False)
class Portion:
    """A part of a document that is read at once, and which cells stay of it.

    Parameters
    ----------
    tokens
        ``(t,)``, at least one.
    kept
        ``(t,)`` bool: their cells stay.
    vectors
        ``(m, width)`` float32: learned tokens that are read behind them; their cells all stay.

    Raises
    ------
    InputError
        Shapes that do not fit, or the last cell would go: what follows is read right behind it.
    """

    tokens: NDArray[np.int32]
    kept: NDArray[np.bool_]
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def __post_init__(self) -> None:
        if self.tokens.ndim != 1 or not len(self.tokens):
            raise InputError(f"a part of a document has tokens {self.tokens.shape}: expected some")
        if self.kept.shape != self.tokens.shape or self.vectors.ndim != 2:
            raise InputError(
                f"{len(self.tokens)} tokens, of which {self.kept.shape} stay, with vectors "
                f"{self.vectors.shape}: expected one value for each, and rows"
            )
        if not len(self.vectors) and not self.kept[-1]:
            raise InputError("the last token read cannot be evicted: the next one follows it")

    @property
    def stays(self) -> NDArray[np.bool_]:
        """Which of the cells stay ``(t + m,)``."""
        return np.concatenate([self.kept, np.ones(len(self.vectors), dtype=bool)])


@dataclass(frozen=True, eq=False)
class Memory:
    """A document as ``n`` cells of one reader's cache. `Session.distil` makes one.

    Parameters
    ----------
    text
        The document it stands for.
    tokens_in
        How many tokens of it were read.
    layout
        The reader, and the shape of its cells.
    adapter
        SHA-256 of the adapter that it was written with; empty: the reader alone wrote it.
    start
        Where the document began: position of the token that would have followed what was before.
    positions
        ``(n,)`` int64, ascending: where the cells were read.
    tokens
        ``(n,)`` int32: what was read there; `NO_TOKEN` for a learned vector.
    keys, values
        ``(layers, n, heads, size)`` float16; keys are turned for their positions.
    """

    text: str
    tokens_in: int
    layout: CellLayout
    adapter: str
    start: int
    positions: NDArray[np.int64]
    tokens: NDArray[np.int32]
    keys: NDArray[np.float16]
    values: NDArray[np.float16]

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def length(self) -> int:
        """Positions that it takes, those of the cells that went included."""
        return int(self.positions[-1]) + 1 - self.start

    def placed(self, start: int, limit: int) -> NDArray[np.int64]:
        """Positions ``(n,)`` of the cells for a document that begins at ``start``.

        As far apart as they were read; one behind the other where that would exceed ``limit``.
        """
        if start + self.length <= limit:
            return self.positions - self.start + start
        return start + np.arange(len(self), dtype=np.int64)

    def check(self, layout: CellLayout, adapter: str | None = None) -> None:
        """Compare with the reader that is to have it, and with an adapter if one is given.

        Raises
        ------
        StateError
            It was made for another reader, or written with another adapter (its SHA-256).
        """
        for what, own, other in (
            ("for another reader", self.layout.reader, layout.reader),
            ("with another order of rotary channels", self.layout.rotary, layout.rotary),
            ("with another adapter", self.adapter, self.adapter if adapter is None else adapter),
        ):
            if own != other:
                raise StateError(
                    f"the memory was made {what} ({own[:12] or 'none'}) than this one "
                    f"({other[:12] or 'none'}); make it again with edgelingua remember"
                )
        if self.layout != layout:
            raise StateError(f"the memory has cells of {self.layout}, the reader of {layout}")

    def save(self, path: str | Path) -> None:
        """Write one file; whatever happens meanwhile, the old one or the new one is there.

        A new one is readable by its owner only: the text lies in it.

        Raises
        ------
        StateError
            It cannot be written.
        """
        arrays = self._arrays()
        about = {
            "mark": _MARK,
            "format": FORMAT,
            "layout": asdict(self.layout),
            "adapter": self.adapter,
            "start": self.start,
            "tokens_in": self.tokens_in,
            "content": npz.digest(arrays),
        }
        npz.save(Path(path), arrays, about)

    @classmethod
    def load(cls, path: str | Path) -> Memory:
        """Read what `save` wrote.

        Raises
        ------
        StateError
            It cannot be read, is damaged, or is no memory of this version.
        """
        return npz.load(Path(path), cls._of, "a memory")

    def _arrays(self) -> dict[str, NDArray[Any]]:
        text = np.frombuffer(self.text.encode(), dtype=np.uint8)
        return {"text": text, **{name: getattr(self, name) for name in _ARRAYS}}

    @classmethod
    def _of(cls, members: npz.Members) -> Memory:
        about = members.about()
        if about["mark"] != _MARK or about["format"] != FORMAT:
            raise StateError(
                f"a memory of format {about['format']}, expected {FORMAT}; make it again with this "
                "version"
            )
        memory = cls(
            text=members.read("text", np.uint8).tobytes().decode(),
            tokens_in=about["tokens_in"],
            layout=CellLayout(**about["layout"]),
            adapter=about["adapter"],
            start=about["start"],
            **{name: members.read(name, kind) for name, kind in _ARRAYS.items()},
        )
        memory._check()
        if about["content"] != npz.digest(memory._arrays()):
            raise ValueError("its content is not what it says")
        return memory

    def _check(self) -> None:
        layout, n = self.layout, len(self.positions)
        numbers = [self.start, self.tokens_in]
        for entry in fields(layout):
            value = getattr(layout, entry.name)
            if entry.name in ("reader", "rotary"):
                _require(isinstance(value, str), entry.name)
            else:
                numbers.append(value)
        _require(all(type(number) is int for number in numbers), "numbers")
        _require(isinstance(self.adapter, str), "an adapter")
        for name, size in (("keys", layout.key_size), ("values", layout.value_size)):
            found, expected = getattr(self, name), (layout.layers, n, layout.heads, size)
            _require(found.shape == expected and math.prod(expected) > 0, name)
            _require(bool(np.isfinite(found).all()), name)
        places = np.concatenate([[self.start - 1], self.positions.ravel()])
        _require(self.positions.shape == (n,) and self.start >= 0, "positions")
        _require(bool((np.diff(places) > 0).all()), "positions")
        _require(self.tokens_in >= 1, "numbers")
        _require(n <= self.tokens_in or NO_TOKEN in self.tokens, "tokens")
        _require(self.tokens.shape == (n,) and self.tokens.min() >= NO_TOKEN, "tokens")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"{what} that no memory has")
