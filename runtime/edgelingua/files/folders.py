"""Folders that take the place of others: at every moment the old one or the new one is found."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
from pathlib import Path

from edgelingua.files.atomic import sync

_ATTEMPTS = 10
_ASIDE = ".edgelingua-old"


def replace_folder(new: Path, place: Path) -> None:
    """Have the folder ``new`` take the place of the one that may be there, and remove that.

    Linux and macOS let two folders change places in one step, on most of their file systems.
    Elsewhere, the old one goes aside first; were the process killed then, `restore` puts it back,
    which whoever looks for the folder calls.

    Raises
    ------
    OSError
        It cannot; the old one is where it was.
    """
    # The disk is to know the files before it knows the folder's new name.
    for path in (*new.rglob("*"), new):
        sync(path)
    for attempt in range(_ATTEMPTS):
        if not os.path.lexists(place):
            new.rename(place)
            return
        old = aside(place)
        remove(old)
        if _exchange(new, place):
            remove(new)
            return
        place.rename(old)
        try:
            new.rename(place)
        except OSError:
            restore(place)
            if attempt + 1 == _ATTEMPTS or not place.exists():
                raise  # else somebody who looked for it has put the old one back in between
        else:
            remove(old)
            return


def aside(place: Path) -> Path:
    """Where the folder at ``place`` lies while another takes its place, if that takes two steps."""
    return place.with_name(f".{place.name}{_ASIDE}")


def restore_all(root: Path) -> None:
    """Put back all folders in ``root`` that went aside for others which never came."""
    for old in root.glob(f".*{_ASIDE}"):
        restore(root / old.name[1 : -len(_ASIDE)])


def restore(place: Path) -> None:
    """Put back a folder that went aside for another which never came. Call it before looking."""
    if place.name not in ("", "..") and not os.path.lexists(place):
        with contextlib.suppress(OSError, ValueError):  # there is none; or the other came
            aside(place).rename(place)


def remove(folder: Path) -> None:
    """Remove a folder, or what lies in its place, if it is there and can be."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; False where that cannot be done."""
    paths = [os.fsencode(path) for path in (one, other)]
    try:
        libc = ctypes.CDLL(None)
        if sys.platform == "darwin":
            return bool(libc.renamex_np(*paths, 2) == 0)  # RENAME_SWAP
        return bool(libc.renameat2(-100, paths[0], -100, paths[1], 2) == 0)  # RENAME_EXCHANGE
    except (AttributeError, OSError, TypeError):  # Windows; a C library without it
        return False
