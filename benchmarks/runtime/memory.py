"""Memory that a reader takes: the ways to load it, and what they cost in time.

A new process for each case and round, the cases in turn: it loads, reads 64 tokens, writes 12, and
does both once more, which is what the speeds are of. Writes ``memory.jsonl`` and ``memory.md``.

    python -m benchmarks.runtime.memory model.gguf

``--ahead`` as in ``busy.py``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import single_run
from benchmarks.runtime.live import Live, ahead_of_others

HERE = Path(__file__).parent

CASES: dict[str, dict[str, Any]] = {
    "as it is: mapped, copied pages given back": {},
    "mapped, all pages kept (llama.cpp's default)": {"keep_pages": True},
    "read, not mapped": {"unmapped": True},
    "mapped, nothing rearranged": {"plain": True},
}
COLUMNS = (
    "RSS loaded",
    "at the peak",
    "in use",
    "not of files",
    "import and load",
    "read 64",
    "write 12",
)


def table(rows: list[dict[str, Any]], size: float) -> str:
    """Medians per case as Markdown; memory also as a multiple of the file's size in MB."""
    out = [f"| | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for case in CASES:
        mine = [row for row in rows if row["case"] == case]

        def mid(*keys: str, rows: list[dict[str, Any]] = mine) -> float:
            found = []
            for row in rows:
                value: Any = row
                for key in keys:
                    value = value[key]
                found.append(float(value))
            return median(found)

        memory = [
            mid("loaded", "rss"),
            mid("memory", "peak"),
            mid("memory", "rss"),
            mid("memory", "own"),
        ]
        cells = [f"{mb:,.0f} MB ({mb / size:.2f}x)" for mb in memory]
        cells += [f"{mid(name):.2f} s" for name in ("load_s", "read_s", "write_s")]
        out.append(f"| {case} | {' | '.join(cells)} |")
    return "\n".join([*out, "", f"The file has {size:,.0f} MB."]) + "\n"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ahead", action="store_true")
    parser.add_argument("--output", type=Path, default=HERE)
    options = parser.parse_args()
    size = options.model.stat().st_size / 1e6
    rows: list[dict[str, Any]] = []
    for number in range(options.rounds):
        for case, settings in CASES.items():
            with ahead_of_others(options.ahead):
                live = Live("reader", str(options.model), settings, {})
                try:
                    live.work()
                    with live.real_time(options.ahead):
                        found = live.work()
                finally:
                    live.close()
            rows.append({"case": case, "round": number, **live.loaded, **found})
            print(rows[-1], file=sys.stderr, flush=True)
    shown = table(rows, size)
    single_run.write(
        rows,
        options.output / "memory.jsonl",
        shown,
        options.output / "memory.md",
        ahead=options.ahead,
        file_mb=size,
    )
    print(shown)


if __name__ == "__main__":
    main()
