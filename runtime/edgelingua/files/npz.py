"""Arrays and a description in an uncompressed ``.npz``: written whole, read strictly.

Nothing is unpacked, evaluated or trusted.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import StateError
from edgelingua.files import npy
from edgelingua.files.atomic import sweep, write_atomically
from edgelingua.files.safe import open_regular

T = TypeVar("T")
_ABOUT = "about"

_DIRECTORY = 1 << 16
"""Most bytes of the list of a file's arrays; ours takes less than a thousand."""


def save(path: Path, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> None:
    """Write one file; whatever happens meanwhile, the old one or the new one is there.

    A new one is readable by its owner only.

    Raises
    ------
    StateError
        It cannot be written.
    """
    described = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    members: dict[str, Any] = {**arrays, _ABOUT: described}
    try:
        with write_atomically(path) as file:
            np.savez(file, **members)
    except OSError as error:
        raise StateError(f"{path}: cannot be written ({_why(error)})") from None


def digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of arrays, of their names, types and shapes, in their order."""
    found = hashlib.sha256()
    for name, array in arrays.items():
        found.update(f"{name} {array.dtype} {array.shape} ".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def load(path: Path, read: Callable[[Members], T], what: str) -> T:
    """Read a file whole; what killed saves of it have left beside it goes.

    Parameters
    ----------
    read
        Makes something of the arrays; whatever it raises says that they are damaged.
    what
        "a saved session", say, for errors.

    Raises
    ------
    StateError
        It cannot be read, or ``read`` fails.
    """
    try:
        sweep(path)
        file = open_regular(path)
    except (OSError, ValueError) as error:
        raise StateError(f"{path}: cannot be read ({_why(error)})") from None
    try:
        with file:
            return read(Members(file))
    except StateError as error:
        raise StateError(f"{path}: {error}") from None
    except Exception as error:
        # Bytes that are not what they should be fail in zipfile, json and `read` in as many ways
        # as there are bytes.
        raise StateError(f"{path}: damaged, or not {what} ({error})") from None


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


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

    def about(self) -> Any:
        """Read the description that `save` wrote."""
        return json.loads(self.read(_ABOUT, np.uint8).tobytes())

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
