"""A recipe as TOML, with the data sets that another one lists where it names that."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from edgelingua_export.errors import ExportError


def read(path: Path) -> dict[str, Any]:
    """Return a recipe's keys; ``data`` holds its own ``[[data]]``, or those of ``data = "FILE"``.

    ``FILE`` is a recipe too, relative to this one: stages of one training list their data once.

    Raises
    ------
    ExportError
        One of the files cannot be read, or lists no data.
    """
    table = _table(path)
    source = path
    if isinstance(table.get("data"), str):
        source = path.parent / table["data"]
        table["data"] = _table(source).get("data")
    data = table.get("data")
    if not data or not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise ExportError(f"{source}: has no [[data]]")
    return table


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExportError(f"{path}: not a recipe ({error})") from error
