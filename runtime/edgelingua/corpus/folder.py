"""Folders of text files: the same tree of compressed texts, and a table of spans and counts."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from edgelingua.corpus.rows import Columns, Result, Row, stamp
from edgelingua.errors import InputError
from edgelingua.files.atomic import PUBLIC, write_atomically
from edgelingua.files.folders import remove, replace_folder
from edgelingua.files.safe import open_regular
from edgelingua.text.encodings import wide_encoding

TABLE = "spans.jsonl"
"""The file with a line for each text: its name, spans, counts, error."""


@dataclass(frozen=True)
class Folder:
    """All text files of a folder and of those in it, in the order of their names."""

    path: Path
    pattern: str
    columns: Columns = field(default_factory=Columns)

    def __post_init__(self) -> None:
        if not self._names:
            raise InputError(f"{self.path}: no file in it is called {self.pattern}")
        if TABLE in self._names:
            raise InputError(
                f"{self.path / TABLE}: the table that is added is called so; choose another pattern"
            )

    @cached_property
    def _names(self) -> list[str]:
        try:
            found = [path for path in self.path.rglob(self.pattern) if path.is_file()]
        except (ValueError, NotImplementedError) as error:
            raise InputError(
                f"pattern {self.pattern!r}: {error}; expected one like *.txt"
            ) from None
        return sorted(path.relative_to(self.path).as_posix() for path in found)

    def stamp(self) -> list[Any]:
        """Return a hash of all names, sizes and times of change."""
        stamps = [(name, stamp(self.path / name)) for name in self._names]
        return [len(stamps), hashlib.sha256(repr(stamps).encode()).hexdigest()]

    def count(self) -> int:
        """Return how many files there are."""
        return len(self._names)

    def rows(self) -> Iterator[Row]:
        """Yield a row for each file."""
        for name in self._names:
            text, error = self._read(name)
            yield Row(_printed(name), text, error=error)

    def write(self, target: Path, results: Iterable[Result]) -> None:
        """Write a file for each text that did not fail, and the table."""
        new = target.with_name(f".{target.name}.partial")
        remove(new)
        new.mkdir(parents=True)
        with write_atomically(new / TABLE, PUBLIC) as table:
            for name, result in zip(self._names, results, strict=True):
                row = {
                    "file": _printed(name),
                    "spans": result.spans,
                    "tokens_in": result.tokens_in,
                    "tokens_out": result.tokens_out,
                    "error": result.error,
                }
                table.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                text, _ = self._read(name)
                kept = None if text is None else result.text(text)
                if kept is not None:
                    place = new / name
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(kept.encode())
        replace_folder(new, target)

    def _read(self, name: str) -> tuple[str | None, str | None]:
        """Return the text of a file, or why there is none."""
        try:
            with open_regular(self.path / name) as file:
                raw = file.read()
        except OSError as error:
            return None, f"cannot be read ({error.strerror})"
        if encoding := wide_encoding(raw):
            return None, f"in {encoding}, expected UTF-8"
        try:
            return raw.decode("utf-8-sig"), None
        except UnicodeDecodeError as error:
            return None, f"not valid UTF-8 at byte {error.start}"


def _printed(name: str) -> str:
    """Return a name as text, also one whose bytes are none."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
