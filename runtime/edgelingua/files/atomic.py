"""Files written whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import platform
import re
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

if sys.platform != "win32":  # where what somebody has open cannot be removed
    import fcntl

_COMMON = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)

PUBLIC = 0o666
"""Permissions of files that are not the user's secret."""

_ELSEWHERE = 3600.0
"""Seconds without a change after which what another machine was writing counts as left behind."""
_MACHINE = hashlib.sha256(platform.node().encode()).hexdigest()[:8]


@contextlib.contextmanager
def write_atomically(path: Path, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """Write a file that takes its place, whole, when the context ends; not if it ends in an error.

    Until then it lies beside its place, under a name of its own, readable by nobody else and held
    under a lock, by which `sweep` knows it from what a killed process left; that goes first.

    Parameters
    ----------
    path
        The file. One that is there keeps its permissions, and its owner where that is possible.
    mode
        Permissions of a new one, less those that the umask takes; `PUBLIC`, or the user's only.

    Raises
    ------
    OSError
        It cannot be written; or a link, a folder, a pipe or a device lies in its place.
    """
    if not path.name or "\0" in str(path):
        raise OSError(errno.EINVAL, "not the name of a file", str(path))
    old = _replaced(path)
    sweep(path)
    partial, file = _create_partial(path, 0o600 if old else mode)
    try:
        with file:
            yield file
            file.flush()
            if old:
                _take_over(file.fileno(), old)
            os.fsync(file.fileno())
            if sys.platform != "win32":  # the lock is held until it has its name
                partial.replace(path)
        if sys.platform == "win32":
            partial.replace(path)
        sync(path.parent)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def try_place(path: Path) -> None:
    """Raise the `OSError` that `write_atomically` would, as far as can be known before the work."""
    if not path.name or "\0" in str(path):
        raise OSError(errno.EINVAL, "not the name of a file", str(path))
    _replaced(path)
    partial, file = _create_partial(path, 0o600)
    file.close()
    partial.unlink(missing_ok=True)  # somebody's `sweep` may have been faster


def sweep(path: Path) -> None:
    """Remove what processes that were killed while writing ``path`` have left beside it.

    What is being written has a lock: on this machine, and on others that share the folder through a
    file system that tells them of locks, as NFS does. As others do not, what another machine began
    must also have lain still for an hour.
    """
    ours = re.compile(re.escape(f".{path.name}.") + r"([0-9a-f]{8})[0-9a-f]{8}\.partial")
    # A folder that cannot be listed; another sweep was faster.
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            found = ours.fullmatch(entry.name)
            if found and entry.is_file(follow_symlinks=False):
                age = time.time() - entry.stat(follow_symlinks=False).st_mtime
                if found[1] == _MACHINE or age > _ELSEWHERE:
                    _remove_unlocked(Path(entry))


def _replaced(path: Path) -> os.stat_result | None:
    """What is going to be replaced, if anything is."""
    try:
        old = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(old.st_mode):
        kinds = {stat.S_IFLNK: "a link: name the file it leads to", stat.S_IFDIR: "a folder"}
        kind = kinds.get(stat.S_IFMT(old.st_mode), "no regular file")
        raise OSError(errno.EINVAL, f"{kind}, which is not replaced", str(path))
    return old


def _create_partial(path: Path, mode: int) -> tuple[Path, IO[bytes]]:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _COMMON
    while True:
        partial = path.with_name(f".{path.name}.{_MACHINE}{secrets.token_hex(4)}.partial")
        try:
            descriptor = os.open(partial, flags, mode)
        except FileExistsError:
            continue
        if sys.platform != "win32":
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:  # else it was swept away before it had its lock
            return partial, os.fdopen(descriptor, "wb")
        os.close(descriptor)


def _take_over(descriptor: int, old: os.stat_result) -> None:
    """Give a file the permissions of the one it replaces, and its owner."""
    if sys.platform == "win32":
        return
    new = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        try:
            os.fchown(descriptor, old.st_uid, old.st_gid)
        except OSError:
            return  # who was allowed there is not who would be here
    os.fchmod(descriptor, old.st_mode & 0o777)


def _remove_unlocked(path: Path) -> None:
    with contextlib.suppress(OSError):  # somebody writes it, or has taken it away
        if sys.platform == "win32":
            path.unlink()
        else:
            descriptor = os.open(path, os.O_RDWR | _NONBLOCK | _COMMON)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(descriptor)


def sync(path: Path) -> None:
    """Have the disk know a file's content, or the names in a folder."""
    with contextlib.suppress(OSError):  # Windows opens no folders
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
