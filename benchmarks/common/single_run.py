"""What a script that measures all in one go leaves: its rows behind the machine's, and a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.common.machine import machine


def write(
    rows: Iterable[Mapping[str, Any]], to: Path, table: str, shown: Path, **about: Any
) -> None:
    """Write the rows as JSON lines, and the table that was made of them.

    ``about``: what else is said in the first line, beside the machine.
    """
    lines = [json.dumps({**machine(), **about}), *map(json.dumps, rows)]
    to.write_text("\n".join(lines) + "\n", encoding="utf-8")
    shown.write_text(table, encoding="utf-8")
