"""Tables of ``nats.jsonl`` and ``llama.jsonl``, and who passes the gate: rewrites ``nats.md``.

    python -m benchmarks.memory.tables

The gate, on at least 200 questions at 8 and at 16 tokens of text for a cell: 0.3 nats below mini's
text in as many cells, and better for more than 60 % of the questions.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.common import jsonl

HERE = Path(__file__).resolve().parent
BEGIN = "<!-- tables -->"
COLUMNS = {
    "whole": "the text itself",
    "none": "nothing",
    "text": "mini's text",
    "cells": "cells, no adapter",
    "memory": "memory",
    "text_other": "another's text",
    "memory_other": "another's memory",
}
ABOUT = "of the document: text, memory"
LOWER, BETTER, QUESTIONS = 0.3, 0.6, 200


def main() -> None:
    """Rewrite the tables, which stand behind a mark at the end of ``nats.md``."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    rows = jsonl.read(HERE / "nats.jsonl")
    page = HERE / "nats.md"
    text = page.read_text("utf-8").partition(BEGIN)[0]
    made = f"{_tables(rows)}\n{_through_llama(jsonl.read(HERE / 'llama.jsonl'))}"
    page.write_text(f"{text}{BEGIN}\n\n{made}", encoding="utf-8", newline="\n")


def _tables(rows: Iterable[dict[str, Any]]) -> str:
    by_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_name[row["name"]].append(row)
    parts = []
    for name, mine in by_name.items():
        sets = list(dict.fromkeys(row["set"] for row in mine))
        lines = [
            f"## {name}\n",
            f"| set | tokens a cell | questions | {' | '.join(COLUMNS.values())} | {ABOUT} | "
            "memory − mini's text | better |",
            "|---" * (len(COLUMNS) + 6) + "|",
        ]
        passed = []
        for which in ["all", *sets]:
            for ratio in sorted({row["ratio"] for row in mine}):
                some = [r for r in mine if r["ratio"] == ratio and which in ("all", r["set"])]
                line, passes = _line(which, ratio, some)
                lines.append(line)
                if which == "all" and ratio in (8, 16):
                    passed.append(passes)
        verdict = "passes" if len(passed) == 2 and all(passed) else "does not pass"
        parts.append("\n".join([*lines, f"\nIt {verdict} the gate.\n"]))
    return "\n".join(parts)


def _line(which: str, ratio: int, rows: list[dict[str, Any]]) -> tuple[str, bool]:
    values = {name: _flat(rows, name) for name in COLUMNS if name in rows[0]}
    lower = values["memory"] - values["text"]
    better, count = float((lower < 0).mean()), len(lower)
    # Questions about one document are not independent of each other.
    sums = np.asarray([np.sum(np.subtract(r["memory"], r["text"]) - lower.mean()) for r in rows])
    error = float(np.sqrt(np.sum(sums**2)) / count)
    told = [f"{values[name].mean():.2f}" if name in values else "–" for name in COLUMNS]
    own = [values[f"{name}_other"].mean() - values[name].mean() for name in ("text", "memory")]
    told.append(f"{own[0]:.2f}, {own[1]:.2f}")
    line = (
        f"| {which} | {ratio} | {count} | {' | '.join(told)} | "
        f"{lower.mean():.2f} ± {1.96 * error:.2f} | {better:.0%} |"
    )
    return line, count >= QUESTIONS and lower.mean() <= -LOWER and better > BETTER


def _through_llama(rows: Iterable[dict[str, Any]]) -> str:
    lines = [
        "## keep, through llama.cpp\n",
        "| tokens a cell | | questions | nats | in PyTorch | mean difference | F1 of the answers | "
        "exact matches |",
        "|---" * 8 + "|",
    ]
    by_place: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_place[row["ratio"], row["how"]].append(row)
    for (ratio, how), mine in sorted(by_place.items(), key=lambda each: each[0][0]):
        nats, torch, f1, exact = (np.asarray([r[k] for r in mine]) for k in _COMPARED)
        lines.append(
            f"| {ratio} | {COLUMNS[how]} | {len(mine)} | {nats.mean():.2f} | {torch.mean():.2f} | "
            f"{np.abs(nats - torch).mean():.3f} | {f1.mean():.2f} | {exact.mean():.0%} |"
        )
    return "\n".join([*lines, ""])


_COMPARED = ("nats", "torch", "f1", "em")


def _flat(rows: list[dict[str, Any]], name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.concatenate([row[name] for row in rows])


if __name__ == "__main__":
    main()
