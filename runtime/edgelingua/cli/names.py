"""Names of files as they are typed in the chat: blanks, quotation marks and ``~`` in them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from edgelingua.errors import InputError


def path_of(text: str) -> Path:
    """Return the path that was typed.

    Raises
    ------
    InputError
        There is none, or it begins with the home folder of nobody here.
    """
    name = _unquoted(text)
    if not name:
        raise InputError("which file? Give its name behind the command")
    try:
        return Path(name).expanduser()
    except RuntimeError:  # ~name of nobody here
        raise InputError(f"{name}: no such home folder; write the path out") from None


def paths_and_number(text: str) -> tuple[list[Path], int | None]:
    """Return the files that were typed, blanks between them, and the number behind them, if any.

    Names may have blanks in them, too: where several could be meant, the longest that exists is. A
    name that does not exist is the last one.
    """
    paths: list[Path] = []
    rest = text.strip()
    while rest:
        end = _longest_existing(rest)
        if not end:
            break
        paths.append(path_of(rest[:end]))
        rest = rest[end:].strip()
    name, _, number = rest.rpartition(" ")
    if not ((name or paths) and number.isdecimal() and len(number) < 10):
        name, number = rest, ""
    if name or not paths:
        paths.append(path_of(name))
    return paths, int(number) if number else None


def _longest_existing(text: str) -> int:
    """Return where the longest beginning ends that is a file's name; 0 if none is."""
    ends = [blank.start() for blank in re.finditer(r"\s+", text)]
    for end in (len(text), *reversed(ends)):
        # Unlike a path's `exists`, this is false for what no file can be called.
        if os.path.exists(os.path.expanduser(_unquoted(text[:end]))):  # noqa: PTH110, PTH111
            return end
    return 0


def _unquoted(text: str) -> str:
    name = text.strip()
    if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'":
        return name[1:-1]
    return name
