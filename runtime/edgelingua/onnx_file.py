"""Reads what a bundle must know of an ONNX file before anything loads it, without the onnx package.

Walks the protobuf wire format (https://protobuf.dev/programming-guides/encoding/) along the fields
of onnx.proto that can hold a tensor; weights are stepped over, so a large file costs little.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgelingua.errors import BundleError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_DEPTH = 32

# message → field number → message inside; only the ways that lead to a TensorProto.
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
_TENSOR_EXTERNAL_DATA = 13
_GRAPH_NAMES = {11: "inputs", 12: "outputs"}


@dataclass(frozen=True)
class OnnxSummary:
    """Names of the graph's inputs and outputs, and the files its weights refer to."""

    inputs: frozenset[str]
    outputs: frozenset[str]
    external_data: frozenset[str]


def summarize(path: Path) -> OnnxSummary:
    """Read input and output names and external-data locations of an ONNX file.

    Raises
    ------
    BundleError
        The file is not an ONNX model, or is cut short.
    """
    found: dict[str, set[str]] = {"inputs": set(), "outputs": set(), "external": set()}
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _walk(data, 0, len(data), "model", found, depth=0)
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: not a complete ONNX model ({error})") from None
    if not found["outputs"]:
        raise BundleError(f"{path}: not an ONNX model: it declares no output")
    return OnnxSummary(
        frozenset(found["inputs"]), frozenset(found["outputs"]), frozenset(found["external"])
    )


def _walk(
    data: mmap.mmap, start: int, end: int, message: str, found: dict[str, set[str]], depth: int
) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError("graphs nested too deep")
    for number, at, stop in _fields(data, start, end):
        if message == "tensor":
            if number == _TENSOR_EXTERNAL_DATA:
                entry = {n: data[a:b].decode() for n, a, b in _fields(data, at, stop)}
                if entry.get(1) == "location":
                    found["external"].add(entry.get(2, ""))
        elif number in _MESSAGES[message]:
            _walk(data, at, stop, _MESSAGES[message][number], found, depth + 1)
        elif message == "graph" and depth == 1 and number in _GRAPH_NAMES:
            names = [data[a:b].decode() for n, a, b in _fields(data, at, stop) if n == 1]
            found[_GRAPH_NAMES[number]].update(names)


def _fields(data: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (field number, start, end) of the length-delimited fields in ``data[at:end]``."""
    while at < end:
        key, at = _varint(data, at, end)
        kind = key & 7
        if kind == _BYTES:
            size, at = _varint(data, at, end)
            if at + size > end:
                raise ValueError(f"a field ends {at + size - end} bytes past its message")
            yield key >> 3, at, at + size
            at += size
        elif kind == _VARINT:
            _, at = _varint(data, at, end)
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind} at byte {at}")
    if at != end:
        raise ValueError("a field is cut short")


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise ValueError("cut short inside a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number of more than ten bytes")
