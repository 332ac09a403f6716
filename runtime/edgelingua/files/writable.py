"""Whether a result could be written where it is wanted, asked before the work and not after it."""

from __future__ import annotations

import secrets
from pathlib import Path

from edgelingua.errors import InputError
from edgelingua.files.atomic import try_place


def refuse_unwritable_file(path: Path) -> None:
    """Raise `InputError` unless a file can be put at ``path``; what is there is not touched."""
    try:
        try_place(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None


def refuse_unwritable_folder(path: Path) -> None:
    """Raise `InputError` unless a folder can be made, or filled, at ``path``; none is made."""
    try:
        there = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
        try_place(there / secrets.token_hex(8))  # which nothing there is called
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
