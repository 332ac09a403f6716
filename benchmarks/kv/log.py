"""Rows of measurements in JSON lines files, which can be taken up again, shared out and merged.

    python -m benchmarks.kv.log benchmarks/kv/retrieval.jsonl shards/retrieval.*.jsonl

adds to the first file what the others have and it does not; nothing else may write to it meanwhile.
Rows say by hash which weights they were measured with; a file with rows of two readers, or of two
compressors, is refused. A last line that was cut off counts as not measured.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.common import jsonl

Row = dict[str, Any]

WEIGHTS = ("reader", "bundle")
"""Columns with the hashes of files that rows depend on."""

KEY = (
    *WEIGHTS,
    *("name", "cap", "block", "book", "text", "known", "part", "seed", "round", "run", "tokens"),
    *("read", "write"),
)
"""Columns that tell rows apart, where they have them."""

UNSAID = {"book": "sherlock_holmes"}
"""Values of columns that rows of before do not have."""


class Log:
    """Rows in a JSON lines file; each run's setting is a line of its own.

    Parameters
    ----------
    path
        The file; it is made if it is not there.
    setting
        What all rows of this run depend on.
    elsewhere
        Another file whose rows need not be measured again.

    Raises
    ------
    SystemExit
        Rows are of other weights than ``setting`` says.
    """

    def __init__(
        self, path: Path, setting: Mapping[str, Any], elsewhere: Path | None = None
    ) -> None:
        self.path = path
        self.weights = {name: setting[name] for name in WEIGHTS if name in setting}
        lines = jsonl.read(path)
        self.rows = [row for row in lines if "setting" not in row]
        self.done = [*self.rows, *(read_rows(elsewhere) if elsewhere else [])]
        one_of_each([*self.done, self.weights], path)
        settings = [row["setting"] for row in lines if "setting" in row]
        if settings[-1:] != [setting]:
            self._append({"setting": setting})

    def has(self, key: Mapping[str, Any]) -> bool:
        """Whether there is a row with these values, here or elsewhere."""
        return has(self.done, key)

    def add(self, row: Row) -> None:
        """Append a row, and show it."""
        self.rows.append(row)
        self.done.append(row)
        self._append(row)
        print(row, flush=True)

    def _append(self, row: Row) -> None:
        jsonl.append(self.path, json.dumps(row))


def has(rows: Iterable[Row], key: Mapping[str, Any]) -> bool:
    """Whether there is a row with these values."""
    return any(all(_value(row, name) == key[name] for name in key) for row in rows)


def one_of_each(rows: Iterable[Row], path: Path) -> None:
    """Raise `SystemExit` where rows were measured with different weights."""
    for name in WEIGHTS:
        found = sorted({row[name] for row in rows if name in row})
        if len(found) > 1:
            raise SystemExit(
                f"{path}: rows of more than one {name} ({', '.join(found)}): keep each in a file "
                "of its own (--results), or remove those that do not count any more"
            )


def read_rows(path: Path) -> list[Row]:
    """Rows of a JSON lines file without its settings; none if it is not there.

    Raises
    ------
    SystemExit
        They were measured with different weights.
    """
    rows = [row for row in jsonl.read(path) if "setting" not in row]
    one_of_each(rows, path)
    return rows


def key_of(row: Row) -> tuple[Any, ...]:
    """What tells this row from the others of its file."""
    return tuple(_value(row, name) for name in KEY)


def _value(row: Mapping[str, Any], name: str) -> Any:
    return row.get(name, UNSAID.get(name))


def merge(target: Path, others: Iterable[Path]) -> int:
    """Add what ``others`` have and ``target`` has not, under its setting; return how many."""
    lines = jsonl.read(target)
    known = {key_of(row) for row in lines if "setting" not in row}
    last = next((row["setting"] for row in reversed(lines) if "setting" in row), None)
    new: list[Row] = []
    for path in others:
        setting = None
        for row in jsonl.read(path):
            if "setting" in row:
                setting = row["setting"]
            elif key_of(row) not in known:
                if setting != last:
                    new.append({"setting": setting})
                    last = setting
                known.add(key_of(row))
                new.append(row)
    one_of_each([row for row in [*lines, *new] if "setting" not in row], target)
    if new:
        jsonl.replace(target, map(json.dumps, [*lines, *new]))
    return sum("setting" not in row for row in new)


def main() -> None:
    """Merge files."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("target", type=Path)
    options.add_argument("others", type=Path, nargs="+")
    arguments = options.parse_args()
    print(f"{merge(arguments.target, arguments.others)} new rows in {arguments.target}")


if __name__ == "__main__":
    main()
