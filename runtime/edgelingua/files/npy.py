"""Arrays in numpy's file format, read strictly: a header is compared, never evaluated."""

from __future__ import annotations

import math
import mmap
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Version 1.0, as numpy writes it for arrays of plain numbers: magic, length of the header, header.
_MAGIC = b"\x93NUMPY\x01\x00"
_START = len(_MAGIC) + 2
_HEADER = re.compile(
    rb"\{'descr': '(<[fi][248]|\|[biu]1)', 'fortran_order': (False|True), "
    rb"'shape': \(((?:\d{1,18}, ?)*(?:\d{1,18})?)\), \} *\n"
)


def parse(data: bytes | mmap.mmap) -> NDArray[Any]:
    """Return the array that is the content of a ``.npy`` file; read-only, it shares ``data``.

    Raises
    ------
    ValueError
        Not such a file, of a type other than plain little-endian numbers and booleans, or of
        another size than its header says.
    """
    length = int.from_bytes(data[len(_MAGIC) : _START], "little")
    found = _HEADER.fullmatch(data[_START : _START + length])
    if data[: len(_MAGIC)] != _MAGIC or not found:
        raise ValueError("not an array as numpy writes it")
    dtype = np.dtype(found[1].decode())
    shape = tuple(int(size) for size in re.findall(rb"\d+", found[3]))
    size, given = math.prod(shape) * dtype.itemsize, len(data) - _START - length
    if size != given:
        raise ValueError(f"{given} bytes for an array {shape} of {dtype}")
    values = np.frombuffer(data, np.uint8, offset=_START + length)
    if dtype == np.bool_ and (values > 1).any():
        raise ValueError("booleans that are neither true nor false")
    return values.view(dtype).reshape(shape, order="F" if found[2] == b"True" else "C")
