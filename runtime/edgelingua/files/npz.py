"""Arrays in an uncompressed ``.npz``, read strictly: nothing is unpacked, evaluated or trusted."""

from __future__ import annotations

import os
import zipfile
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from edgelingua.files import npy

_DIRECTORY = 1 << 16
"""Most bytes of the list of a file's arrays; ours takes less than a thousand."""


class Members:
    """Arrays in an open file. Nothing is unpacked: what is read is at most what is in the file.

    Raises
    ------
    ValueError
        Not such a file.
    """

    def __init__(self, file: BinaryIO) -> None:
        # A directory of millions of entries would take many times the memory of the file.
        bounded = _Bounded(file, _DIRECTORY)
        self._archive = zipfile.ZipFile(cast(BinaryIO, bounded))
        bounded.most = bounded.size
        entries = self._archive.infolist()
        size = sum(entry.file_size for entry in entries)
        if size > bounded.size or any(entry.compress_type for entry in entries):
            raise ValueError(f"{size} bytes packed into {bounded.size}")

    def read(self, name: str, kind: type[np.generic]) -> NDArray[Any]:
        """Read an array whole, so that its checksum is compared before anything looks at it.

        Raises
        ------
        KeyError, ValueError, zipfile.BadZipFile
            There is none of that name, or it is damaged or of another type.
        """
        array = npy.parse(self._archive.read(f"{name}.npy"))
        if array.dtype != kind:
            raise ValueError(f"{name} of type {array.dtype}")
        return array


class _Bounded:
    """A file of which no more than so many bytes are read at a time."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self.file, self.most = file, most
        self.size = file.seek(0, os.SEEK_END)
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        wanted = max(0, self.size - self.tell()) if size < 0 else size
        if wanted > self.most:
            raise ValueError(f"{wanted} bytes to be read where at most {self.most} are expected")
        return self.file.read(wanted)
