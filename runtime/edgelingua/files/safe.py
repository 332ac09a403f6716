"""Files that somebody else may have laid there: opened only if they are what they should be."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

from edgelingua.errors import BundleError

# A pipe that nobody writes to would keep us waiting.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)

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
    try:
        # Links were followed by hand, to see where to; one that is there now was put there since.
        return open_regular(real, follow_links=False)
    except _IrregularError:
        raise BundleError(
            f"{path}: not a regular file; rebuild the bundle or copy it again"
        ) from None


def open_regular(path: Path, *, follow_links: bool = True) -> BufferedReader:
    """Open a file for reading; `OSError` if it is a folder, a pipe, a device."""
    refused = _IrregularError(errno.EINVAL, "not a regular file", str(path))
    if not stat.S_ISREG(path.stat().st_mode):  # to open a device may set it going
        raise refused
    descriptor = os.open(path, _FLAGS if follow_links else _FLAGS | _NO_LINK)
    # Looked at again once open: what lies there may have been changed in between.
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise refused
    return os.fdopen(descriptor, "rb")


class _IrregularError(OSError):
    """A folder, a pipe, a device."""


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
