"""Keys and values inside llama.cpp's serialized sequence state, read and written.

The layout is not documented; this follows the sources of the release that pyproject.toml pins, and
refuses whatever looks different.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import StateError

_MAGIC = 0xAF143CD8
_HALVES = 1
"""ggml's number for float16."""

_BLOCK = 32
"""Values that share a scale in the quantized types."""


def _float16(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    return raw.view(np.float16).astype(np.float32)


def _q8_0(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    blocks = raw.reshape(*raw.shape[:-1], -1, 2 + _BLOCK)
    scales = np.ascontiguousarray(blocks[..., :2]).view(np.float16).astype(np.float32)
    values = np.ascontiguousarray(blocks[..., 2:]).view(np.int8) * scales
    return values.reshape(*raw.shape[:-1], -1).astype(np.float32)


def _q4_0(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    blocks = raw.reshape(*raw.shape[:-1], -1, 2 + _BLOCK // 2)
    scales = np.ascontiguousarray(blocks[..., :2]).view(np.float16).astype(np.float32)
    packed = blocks[..., 2:]
    # The first half of a block lies in the low nibbles, the second in the high ones.
    nibbles = np.concatenate([packed & 15, packed >> 4], axis=-1).astype(np.float32)
    return ((nibbles - 8) * scales).reshape(*raw.shape[:-1], -1).astype(np.float32)


_TYPES: Mapping[int, Callable[[NDArray[np.uint8]], NDArray[np.float32]]] = {
    0: lambda raw: raw.view(np.float32),
    1: _float16,
    2: _q4_0,
    8: _q8_0,
}
"""ggml's type numbers → bytes of rows to float32."""


@dataclass(frozen=True, eq=False)
class Rows:
    """A layer's keys or values as they lie there: bytes ``(n, size)`` of a ggml type.

    ``element``: bytes of a value, where a state has one row for each channel.
    """

    raw: NDArray[np.uint8]
    kind: int
    element: int = 0

    @classmethod
    def halves(cls, values: NDArray[np.float16], element: int) -> Rows:
        """Rows of float16 values ``(n, size)``."""
        raw = np.ascontiguousarray(values).view(np.uint8)
        return cls(raw.reshape(len(values), -1), _HALVES, element)

    def decoded(self) -> NDArray[np.float32]:
        """Return the values ``(n, size)``."""
        return _TYPES[self.kind](np.ascontiguousarray(self.raw))


@dataclass(frozen=True, eq=False)
class CachePart:
    """One cache of the model: positions ``(n,)`` in the order of cells; rows per layer."""

    positions: NDArray[np.int64]
    keys: tuple[Rows, ...]
    values: tuple[Rows, ...]

    def behind(self, before: CachePart) -> CachePart:
        """Return the cells of both, those of ``before`` first; they are of the same kinds."""
        rows = [
            [
                replace(own, raw=np.concatenate([first.raw, own.raw]))
                for first, own in zip(firsts, owns, strict=True)
            ]
            for firsts, owns in ((before.keys, self.keys), (before.values, self.values))
        ]
        positions = np.concatenate([before.positions, self.positions])
        return CachePart(positions, tuple(rows[0]), tuple(rows[1]))


def write(part: CachePart) -> NDArray[np.uint8]:
    """Return a state of one part, as llama.cpp writes it: the inverse of `parse`."""
    pieces = [struct.pack("<IiII", _MAGIC, 0, 1, len(part.positions))]
    pieces += [struct.pack("<iIi", at, 1, 0) for at in part.positions.tolist()]
    transposed = bool(part.values[0].element)
    pieces.append(struct.pack("<II", transposed, len(part.keys)))
    for rows in (*part.keys, *part.values):
        cells, size = rows.raw.shape
        if rows.element:
            channels = rows.raw.reshape(cells, -1, rows.element).transpose(1, 0, 2)
            pieces.append(struct.pack("<iII", rows.kind, rows.element, len(channels)))
            pieces.append(channels.tobytes())
        else:
            pieces.append(struct.pack("<iQ", rows.kind, size))
            pieces.append(rows.raw.tobytes())
    return np.frombuffer(b"".join(pieces), dtype=np.uint8)


def parse(blob: NDArray[np.uint8]) -> list[CachePart]:
    """Take a state apart: one part, or two for models with sliding windows, global layers first.

    Raises
    ------
    StateError
        It is not laid out as expected: damaged, or written by another llama.cpp.
    """
    reader = _Reader(blob)
    try:
        magic, _ = reader.take("<Ii")
        if magic != _MAGIC:
            raise StateError(f"a sequence state begins with {magic:#x}; expected {_MAGIC:#x}")
        parts = [_part(reader)]
        while reader.at < len(blob):
            parts.append(_part(reader))
    except (struct.error, ValueError, KeyError) as error:
        raise StateError(
            f"a sequence state is not laid out as this release of llama.cpp does it: {error}"
        ) from None
    return parts


class _Reader:
    def __init__(self, blob: NDArray[np.uint8]) -> None:
        self.blob = blob
        self.at = 0

    def take(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from(layout, self.blob.data, self.at)
        self.at += struct.calcsize(layout)
        return values

    def bytes(self, size: int) -> NDArray[np.uint8]:
        if not 0 <= size <= len(self.blob) - self.at:
            raise ValueError(f"{size} bytes at {self.at} of {len(self.blob)}")
        taken = self.blob[self.at : self.at + size]
        self.at += size
        return taken


def _part(reader: _Reader) -> CachePart:
    (streams,) = reader.take("<I")
    if streams != 1:
        raise ValueError(f"{streams} streams, expected 1")
    (cells,) = reader.take("<I")
    if cells > (len(reader.blob) - reader.at) // struct.calcsize("<iI"):
        raise ValueError(f"{cells} cells in {len(reader.blob)} bytes")
    positions = np.zeros(cells, dtype=np.int64)
    for cell in range(cells):
        positions[cell], sequences = reader.take("<iI")
        reader.bytes(4 * sequences)
    if cells == 0:
        return CachePart(positions, (), ())
    transposed, layers = reader.take("<II")
    keys = tuple(_rows(reader, cells) for _ in range(layers))
    values = tuple(
        _columns(reader, cells) if transposed else _rows(reader, cells) for _ in range(layers)
    )
    return CachePart(positions, keys, values)


def _rows(reader: _Reader, cells: int) -> Rows:
    kind, size = reader.take("<iQ")
    _check_type(kind)
    return Rows(reader.bytes(cells * size).reshape(cells, size), kind)


def _columns(reader: _Reader, cells: int) -> Rows:
    """Values without flash attention: one row for each channel."""
    kind, element, channels = reader.take("<iII")
    _check_type(kind)
    raw = reader.bytes(channels * cells * element).reshape(channels, cells, element)
    return Rows(raw.transpose(1, 0, 2).reshape(cells, channels * element), kind, element)


def _check_type(kind: int) -> None:
    if kind not in _TYPES:
        raise ValueError(f"ggml type {kind}, expected one of {', '.join(map(str, _TYPES))}")
