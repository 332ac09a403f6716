"""Results as JSON lines that a run adds to, and a later run goes on from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.common import jsonl
from benchmarks.common.machine import noted

Row = Mapping[str, Any]


class Rows:
    """A file of rows, each known by some of its fields; ``on`` is the machine it was made on.

    Parameters
    ----------
    path
        The file; made when the first row is added. A last line that was cut off is left out, and
        made anew by the run that goes on.
    key
        Names of the fields that tell a row from all others.
    known
        A file of rows that are there already, and stay where they are.
    """

    def __init__(self, path: Path, key: tuple[str, ...], known: Path | None = None) -> None:
        self.path, self.key = path, key
        self._rows: dict[tuple[Any, ...], Row] = {}
        if known:
            self._rows |= Rows(known, key)._rows
        self._rows |= {self._key(row): row for row in jsonl.read(path)}

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, *key: Any) -> Row | None:
        """Return the row with these values of the key's fields, or ``None``."""
        return self._rows.get(key)

    def has(self, *key: Any, **made_with: str) -> bool:
        """Whether the row is there and was made with these weights, by the name of the field."""
        row = self._rows.get(key)
        return row is not None and all(row.get(name, "") == w for name, w in made_with.items())

    def add(self, row: Row) -> None:
        """Write a row, with the key of this machine; it is there after an interruption."""
        row = {**row, "on": noted(self.path.parent)}
        jsonl.append(self.path, json.dumps(row, separators=(",", ":")))
        self._rows[self._key(row)] = row

    def _key(self, row: Row) -> tuple[Any, ...]:
        return tuple(row[name] for name in self.key)


def timed(rows: Iterable[Row]) -> list[Row]:
    """Rows with processor times; those of another machine have none, as nothing compares to it."""
    return [row for row in rows if "cpu" in row]
