"""Entries and tensors of a GGUF file's header, read without llama.cpp.

Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Collection
from pathlib import Path
from typing import Any

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q",
            12: "d"}  # fmt: skip
_STRING, _ARRAY = 8, 9
_MOST_ENTRIES, _MOST_VALUES = 10_000, 2_000_000
"""Files of today have some fifty entries, of up to 260,000 values each."""
_MOST_TENSORS, _MOST_DIMENSIONS = 1_000_000, 4
_size = struct.Struct("<Q").unpack_from


def read_metadata(path: Path, keys: Collection[str], most: int = _MOST_VALUES) -> dict[str, Any]:
    """Read the entries of these keys, as far as they are there; of lists of strings the first.

    Returns
    -------
    dict
        Key → a number, a string as it is written (UTF-8), or a tuple or list of them.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is no GGUF file of version 2 or 3, or damaged.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        try:
            return _entries(raw, keys, most)[0]
        except struct.error:
            raise ValueError("the file ends inside its header") from None


def count_parameters(path: Path) -> int:
    """Return how many weights the tensors of a GGUF file have together.

    Raises
    ------
    OSError, ValueError
        As `read_metadata`.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        try:
            return _parameters(raw)
        except struct.error:
            raise ValueError("the file ends inside its header") from None


def _parameters(raw: mmap.mmap) -> int:
    at = _entries(raw, (), 0)[1]
    (count,) = struct.unpack_from("<Q", raw, 8)
    if count > _MOST_TENSORS:
        raise ValueError(f"{count} tensors")
    total = 0
    for _ in range(count):
        _, at = _strings(raw, at, 1)
        (dimensions,) = struct.unpack_from("<I", raw, at)
        if dimensions > _MOST_DIMENSIONS:
            raise ValueError(f"a tensor of {dimensions} dimensions")
        total += math.prod(struct.unpack_from(f"<{dimensions}Q", raw, at + 4))
        at += 4 + 8 * dimensions + 12  # behind the type and the place of the values
    if at > len(raw):
        raise ValueError("the file ends inside its header")
    return total


def _entries(raw: mmap.mmap, keys: Collection[str], most: int) -> tuple[dict[str, Any], int]:
    """Return the entries of these keys, and where the reading of entries ended."""
    mark, version, _, count = struct.unpack_from("<4sIQQ", raw)
    if mark != b"GGUF" or version not in (2, 3) or count > _MOST_ENTRIES:
        raise ValueError("not a GGUF file of version 2 or 3")
    found: dict[str, Any] = {}
    at = 24
    for _ in range(count):
        (written,), at = _strings(raw, at, 1)
        name = written.decode()
        kind, length = struct.unpack_from("<I", raw, at)[0], 1
        at += 4
        if is_array := kind == _ARRAY:
            kind, length = struct.unpack_from("<IQ", raw, at)
            at += 12
        if length > _MOST_VALUES:
            raise ValueError(f"{length} values in one entry")
        if kind == _STRING:
            wanted = min(length, most) if name in keys else 0
            values, at = _strings(raw, at, wanted)
            at = _behind_strings(raw, at, length - wanted)
        else:
            values, at = _numbers(raw, at, kind, length)
        if name in keys:
            found[name] = values if is_array else values[0]
            if len(found) == len(keys):
                break  # vocabularies take a while, and stand at the end
    return found, at


def _numbers(raw: mmap.mmap, at: int, kind: int, count: int) -> tuple[Any, int]:
    if kind not in _NUMBERS:
        raise ValueError(f"values of type {kind}")
    layout = f"<{count}{_NUMBERS[kind]}"
    return struct.unpack_from(layout, raw, at), at + struct.calcsize(layout)


def _strings(raw: mmap.mmap, at: int, count: int) -> tuple[list[bytes], int]:
    strings, end = [], len(raw)
    for _ in range(count):
        start = at + 8
        at = start + _size(raw, at)[0]
        if at > end:
            raise ValueError("a string goes beyond the end of the file")
        strings.append(raw[start:at])
    return strings, at


def _behind_strings(raw: mmap.mmap, at: int, count: int) -> int:
    end = len(raw)
    for _ in range(count):
        at += 8 + _size(raw, at)[0]
        if at > end:
            raise ValueError("a string goes beyond the end of the file")
    return at
