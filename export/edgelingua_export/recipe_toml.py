"""Reads a recipe's TOML; ``data = "FILE"`` in it takes the ``[[data]]`` of another recipe."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from edgelingua_export.errors import ExportError

_TEXTS = ("format", "file", "origin", "licence")


class RecipeTable(NamedTuple):
    """A recipe's own keys, the rows of its data, and the file that lists those."""

    keys: dict[str, Any]
    data: list[dict[str, Any]]
    listed_in: Path


def read(path: Path) -> RecipeTable:
    """Read a recipe.

    ``FILE`` is relative to the recipe and lists its own ``[[data]]``: stages of one training list
    their data once.

    Raises
    ------
    ExportError
        One of the files cannot be read, or lists no data, or data that are not described as such.
    """
    keys = _table(path)
    data, listed_in = keys.pop("data", None), path
    if isinstance(data, str):
        listed_in = path.parent / data
        data = _table(listed_in).get("data")
    if not data or not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise ExportError(f"{listed_in}: has no [[data]]")
    for number, row in enumerate(data, 1):
        for name in _TEXTS:
            if not isinstance(row.get(name, ""), str):
                raise ExportError(
                    f"{listed_in}: [[data]] {number}: {name} = {row[name]!r}: expected str"
                )
        if "format" not in row:
            raise ExportError(f"{listed_in}: [[data]] {number}: has no format")
    return RecipeTable(keys, data, listed_in)


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExportError(f"{path}: not a recipe ({error})") from error
