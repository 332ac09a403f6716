"""Folders and files that their owner alone can read."""

from __future__ import annotations

import os
from pathlib import Path

from edgelingua.errors import StateError


def private_folder(folder: Path) -> None:
    """Make a folder for its owner only, if it is not there.

    Raises
    ------
    StateError
        It cannot be made, or others can read it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shared = os.name == "posix" and folder.stat().st_mode & 0o077
    except OSError as error:
        raise StateError(f"{folder}: no folder for a state ({error.strerror})") from None
    if shared:
        raise StateError(
            f"{folder}: others can read it, and conversations are kept there: chmod 700 it, or "
            "name a folder that is not there yet"
        )


def private_file(path: Path) -> None:
    """Make a file for its owner only, if it is not there.

    Raises
    ------
    StateError
        It cannot be written.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StateError(f"{path}: cannot be written ({error.strerror})") from None
