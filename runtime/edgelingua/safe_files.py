"""Files of a folder that somebody else has filled: opened only if regular and inside."""

from __future__ import annotations

import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

from edgelingua.errors import BundleError

# A pipe that nobody writes to would keep us waiting; a link is followed by hand, to see where to.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)

Stamp = tuple[int, int, int, int, int]
"""Device, inode, size, and times of change in ns: another one, and the file may be another."""


def open_inside(folder: Path, name: str) -> BufferedReader:
    """Open a file of ``folder`` for reading. Links are followed, but not out of the folder.

    Raises
    ------
    BundleError
        It leads out of the folder, or is no regular file but a folder, a pipe, a device.
    OSError
        It is not there or cannot be opened.
    """
    path = folder / name
    real = Path(os.path.realpath(path, strict=True))
    if not real.is_relative_to(os.path.realpath(folder)):
        raise BundleError(f"{path}: leads out of the bundle's folder")
    if not stat.S_ISREG(real.stat().st_mode):
        raise BundleError(f"{path}: not a regular file; rebuild the bundle or copy it again")
    # Looked at again once open: what lies there may have been changed in between.
    file = os.fdopen(os.open(real, _FLAGS), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise BundleError(f"{path}: not a regular file; rebuild the bundle or copy it again")
    return file


def stamp_of(status: os.stat_result) -> Stamp:
    """Tell a file from any other, and from itself once it was written to."""
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def hash_file(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
