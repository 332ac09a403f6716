"""What a search has measured so far, on disk: a search that was killed goes on from there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from edgelingua_export.quantization.measure import Row
from edgelingua_export.quantization.scheme import Scheme


class State:
    """Rows by scheme, appended to a file of JSON lines, one per measured candidate.

    Parameters
    ----------
    path
        The file; its first line is the key.
    key
        Everything the measurements depend on. A file with another key is started anew.
    """

    def __init__(self, path: Path, key: dict[str, Any]) -> None:
        text = json.dumps(key, sort_keys=True)
        self._path = path
        self.key = hashlib.sha256(text.encode()).hexdigest()
        self.rows: dict[Scheme, Row] = {}
        if not self._read():
            path.write_text(json.dumps({"key": self.key}) + "\n", encoding="utf-8")

    def _read(self) -> bool:
        """Take over what a killed search left; its last line may be cut short."""
        if not self._path.is_file():
            return False
        lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        try:
            if not whole or json.loads(whole[0]).get("key") != self.key:
                return False
            rows = [Row.parse(json.loads(line)) for line in whole[1:]]
        except (ValueError, TypeError, KeyError, AttributeError):
            return False  # not ours, or of another version
        self.rows = {row.scheme: row for row in rows}
        with self._path.open("r+b") as file:  # only what was cut short goes
            file.truncate(len("".join(whole).encode()))
        return True

    def add(self, row: Row) -> None:
        """Remember a row, on disk too."""
        self.rows[row.scheme] = row
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row.record()) + "\n")
