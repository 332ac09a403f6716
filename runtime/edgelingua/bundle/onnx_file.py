"""Reads what a bundle must know of an ONNX file before anything loads it, without the onnx package.

Walks the protobuf wire format (https://protobuf.dev/programming-guides/encoding/) along the fields
of onnx.proto that can hold a tensor or name an operator; weights are stepped over, so a large file
costs little.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from edgelingua.errors import BundleError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_DEPTH = 32
_MAX_FIELDS = 2_000_000  # a second or two; a graph of a thousand nodes has some thirty thousand
_MAX_NAME = 4096
_MAX_RANK = 32
_ELEMENTS_PER_BYTE = 4  # of the smallest type that ONNX packs

# message → field number → message inside; only the ways that lead to a tensor or an operator.
_MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
}  # fmt: skip
_NODE_NAMES = {4: "operators", 7: "domains"}
_GRAPH_NAMES = {11: "inputs", 12: "outputs"}
_DIMS, _EXTERNAL_DATA = 1, 13
_TENSOR_DATA = {4, 5, 6, 7, 9, 10, 11}


class Field(NamedTuple):
    """A field of a protobuf message: its number, wire type, and the bytes of its value."""

    number: int
    kind: int
    start: int
    end: int


@dataclass(frozen=True)
class External:
    """A tensor whose values lie in another file; ``length`` ``None``: up to the file's end."""

    location: str
    offset: int
    length: int | None
    elements: int

    def fits(self, size: int) -> bool:
        """Whether a file of ``size`` bytes holds it."""
        length = size - self.offset if self.length is None else self.length
        return 0 <= length <= size - self.offset and self.elements <= length * _ELEMENTS_PER_BYTE


@dataclass(frozen=True)
class OnnxSummary:
    """What a graph asks of its surroundings.

    ``inputs`` and ``outputs`` are names, ``external`` the tensors kept in other files, ``domains``
    those that operators name, besides ONNX's own; ``operators``: their types; ``sparse``: some
    tensor has a compressed form.
    """

    inputs: frozenset[str]
    outputs: frozenset[str]
    external: frozenset[External]
    domains: frozenset[str]
    operators: frozenset[str]
    sparse: bool


def summarize(path: Path) -> OnnxSummary:
    """Read an ONNX file's structure; see `OnnxSummary`.

    Raises
    ------
    BundleError
        The file is not an ONNX model, is cut short, or declares a tensor larger than the values it
        has for it, which onnxruntime would set memory aside for.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            reader = _Reader(data)
            reader.walk(0, len(data), "model")
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: not a complete ONNX model ({error})") from None
    if not reader.names["outputs"]:
        raise BundleError(f"{path}: not an ONNX model: it declares no output")
    return OnnxSummary(
        frozenset(reader.names["inputs"]),
        frozenset(reader.names["outputs"]),
        frozenset(reader.external),
        frozenset(reader.names["domains"]),
        frozenset(reader.names["operators"]),
        reader.sparse,
    )


class _Reader:
    """Collects what `OnnxSummary` holds."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._left = _MAX_FIELDS
        kinds = ("inputs", "outputs", "domains", "operators")
        self.names: dict[str, set[str]] = {kind: set() for kind in kinds}
        self.external: set[External] = set()
        self.sparse = False

    def walk(self, start: int, end: int, message: str, depth: int = 0) -> None:
        """Go through a message and what it holds."""
        if depth > _MAX_DEPTH:
            raise ValueError("graphs nested too deep")
        if message == "tensor":
            self._tensor(start, end)
            return
        self.sparse |= message == "sparse"
        for field in self._fields(start, end):
            if field.kind != _BYTES:
                continue
            if inner := _MESSAGES[message].get(field.number):
                self.walk(field.start, field.end, inner, depth + 1)
            elif message == "node" and field.number in _NODE_NAMES:
                self.names[_NODE_NAMES[field.number]].add(self._text(field))
            elif message == "graph" and depth == 1 and field.number in _GRAPH_NAMES:
                names = [f for f in self._fields(field.start, field.end) if f.number == 1]
                self.names[_GRAPH_NAMES[field.number]].update(map(self._text, names))

    def _tensor(self, start: int, end: int) -> None:
        dims: list[int] = []
        stored, entries = 0, {}
        for field in self._fields(start, end):
            if field.number == _DIMS:
                dims += self._numbers(field)
            elif field.number in _TENSOR_DATA:
                stored += 1 + field.end - field.start  # an empty string is an element too
            elif field.number == _EXTERNAL_DATA:
                pair = {f.number: self._text(f) for f in self._fields(field.start, field.end)}
                entries[pair.get(1, "")] = pair.get(2, "")
        if len(dims) > _MAX_RANK or any(dim >> 63 for dim in dims):
            raise ValueError(f"a tensor of impossible shape, {len(dims)} dimensions")
        elements = math.prod(dims)
        if "location" in entries:
            offset, length = (_natural(entries.get(k)) for k in ("offset", "length"))
            self.external.add(External(entries["location"], offset or 0, length, elements))
        elif elements > stored * _ELEMENTS_PER_BYTE:
            raise ValueError(f"a tensor of {elements} elements with {stored} bytes of values")

    def _numbers(self, field: Field) -> list[int]:
        """Values of a repeated number, packed or not."""
        at = field.start
        values: list[int] = []
        while at < field.end and len(values) <= _MAX_RANK:
            value, at = self._varint(at, field.end)
            values.append(value)
        return values

    def _text(self, field: Field) -> str:
        if field.kind != _BYTES or field.end - field.start > _MAX_NAME:
            raise ValueError(f"no name, or a very long one, at byte {field.start}")
        return self._data[field.start : field.end].decode()

    def _fields(self, at: int, end: int) -> Iterator[Field]:
        """Yield the fields of the message ``data[at:end]``."""
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise ValueError(f"more than {_MAX_FIELDS} fields")
            key, at = self._varint(at, end)
            kind, start = key & 7, at
            if kind == _BYTES:
                size, start = self._varint(at, end)
                at = start + size
            elif kind == _VARINT:
                _, at = self._varint(at, end)
            elif kind in (_FIXED64, _FIXED32):
                at += 8 if kind == _FIXED64 else 4
            else:
                raise ValueError(f"wire type {kind} at byte {at}")
            if at > end:
                raise ValueError(f"a field ends {at - end} bytes past its message")
            yield Field(key >> 3, kind, start, at)

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            if at >= end:
                raise ValueError("cut short inside a number")
            byte = self._data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
        raise ValueError("a number of more than ten bytes")


def _natural(text: str | None) -> int | None:
    """Parse an offset or a length, as decimal digits."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ValueError(f"external data at {text!r:.30}, expected a number of bytes")
    return int(text)
