"""A mkdocs hook: a table whose rows are older than the code they measure says so.

`benchmarks.freshness` knows. In the repository the tables stand without a mark, since every change
of the code would change it: ``python -m benchmarks.freshness`` lists them.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "runtime")]

from benchmarks import freshness  # noqa: E402

_SHOWN = re.compile(r"<!-- benchmarks/(\S+\.md)[^\n]* -->\n(?:\|.*\n)*")


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Put a line behind each table that is not of today's code."""
    return _SHOWN.sub(lambda shown: shown[0] + mark(shown[1]), markdown)


def mark(table: str) -> str:
    """What is said behind a table of ``benchmarks``; nothing where its rows are of today's code."""
    old = _old().get(table, [])
    if not old:
        return ""
    names = {part.removesuffix("/manifest.json") for each in old for part in each.changed}
    changed = sorted(Path(name).stem for name in names)
    since = f"; changed since: {', '.join(changed)}" if changed else ""
    return f"\n*Rows of {min(each.made for each in old)}{since}.*\n"


@cache
def _old() -> dict[str, list[freshness.Stale]]:
    found: dict[str, list[freshness.Stale]] = {}
    for each in freshness.stale():
        for table in freshness.files()[each.rows].tables:
            found.setdefault(table, []).append(each)
    return found
