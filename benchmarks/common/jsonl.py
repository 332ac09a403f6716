"""JSON lines files that a kill may cut off in their last line, and that go on from there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edgelingua.files.atomic import PUBLIC, write_atomically


def read(path: Path) -> list[Any]:
    """All lines but a last one that was cut off; none if the file is not there.

    Raises
    ------
    ValueError
        Another line is no JSON.
    """
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(json.loads(line))
        except ValueError as error:
            if number < len(lines) or line.endswith(b"\n"):
                raise ValueError(f"{path}, line {number}: no JSON ({error})") from None
    return found


def append(path: Path, line: str) -> None:
    """Add a line, in the place of a last one that was cut off."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        if file.read() not in {b"", b"\n"}:
            last = path.read_bytes().rpartition(b"\n")[2]
            try:
                json.loads(last)
                file.write(b"\n")  # only the line break was cut off
            except ValueError:
                file.truncate(size - len(last))
        file.write(f"{line}\n".encode())


def replace(path: Path, lines: Iterable[str]) -> None:
    """Write a file anew; a kill leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(path, PUBLIC) as file:
        file.writelines(f"{line}\n".encode() for line in lines)
