"""Right answers against tokens read: more where the reader is unsure, beside fixed rates.

    python -m benchmarks.escalation.table

Reads ``runtime.jsonl`` (`benchmarks.escalation.runtime`) and, where they are there, rows of
`benchmarks.escalation.answers` in ``rows.jsonl``; writes ``table.md``. Cases held out are for
choosing the threshold alone. Intervals are of the difference from the first answer, by 10,000
bootstrap samples of the cases.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.common import jsonl
from benchmarks.quality.tables import table
from numpy.typing import NDArray

from edgelingua.readers.escalation import DOUBT

HERE = Path(__file__).parent
FIRST = ("0.05", "0.1")
FIXED = ("0.2", "whole")
FIGURES = {"in": "contained", "em": "exact", "f1": "F1"}
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)

Row = dict[str, Any]


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    rows = [*jsonl.read(HERE / "runtime.jsonl"), *jsonl.read(HERE / "rows.jsonl")]
    (HERE / "table.md").write_text(page(rows), encoding="utf-8")


def page(rows: Sequence[Row]) -> str:
    """Return the page of all rows."""
    out = [
        "# More where the reader is unsure",
        "",
        "Made by `python -m benchmarks.escalation.table`. Tokens read are those of system prompt, "
        "template and question too, and of the question each time it is asked.",
    ]
    for reader, name in dict.fromkeys((row["reader"], row["set"]) for row in rows):
        own = [row for row in rows if (row["reader"], row["set"]) == (reader, name)]
        held_out = [row for row in own if row["held_out"]]
        measured = [row for row in own if not row["held_out"]]
        for first in FIRST:
            if first in own[0]:
                out += ["", f"## {reader}, {name}, from {first}", ""]
                out.append(_ways(measured, first))
                out += ["", f"Every threshold; {len(held_out)} questions are held out.", ""]
                out.append(_thresholds(held_out, measured, first))
    return "\n".join(out) + "\n"


def doubts(way: Row) -> NDArray[np.float64]:
    """Doubt of each step's answer."""
    if "doubt" in way:
        return np.asarray(way["doubt"])
    return np.where(np.asarray(way["cannot"]) > 0, 1.0, 1 - np.exp(np.asarray(way["mean"])))


def figure(rows: Sequence[Row], first: str, threshold: float, name: str) -> NDArray[np.float64]:
    """A figure of each case ``(n,)``: of the step with least doubt among those that were made."""
    found = []
    for row in rows:
        way = row[first]
        every = doubts(way)
        sure = np.flatnonzero(every <= threshold)
        last = int(sure[0]) if len(sure) else len(every) - 1
        least = int(np.flatnonzero(every[: last + 1] == every[: last + 1].min())[-1])
        found.append(last + 1 if name == "asked" else way[name][last if name == "read" else least])
    return np.asarray(found, dtype=np.float64)


def area(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Chance that a wrong answer is more doubtful than a right one (area under the ROC curve)."""
    wrong, good = scores[~right][:, None], scores[right][None]
    return float((wrong > good).mean() + (wrong == good).mean() / 2)


def _ways(rows: Sequence[Row], first: str) -> str:
    lines = [
        ["the first answer", *_cells(rows, first, 0), "1"],
        [f"more above {DOUBT}", *_chosen(rows, first)],
        ["read to the end in steps, last answer", *_cells(rows, first, -1), "–"],
    ]
    lines += [[way, *_cells(rows, way, 0), "1"] for way in FIXED if way in rows[0]]
    head = [f"n = {len(rows)}", "tokens", *FIGURES.values(), "asked"]
    return table(head, lines)


def _cells(rows: Sequence[Row], way: str, step: int) -> list[str]:
    read = np.mean([row[way]["read"][step] for row in rows])
    shares = [100 * np.mean([row[way][name][step] for row in rows]) for name in FIGURES]
    return [f"{read:.0f}", *(f"{share:.1f}" for share in shares)]


def _chosen(rows: Sequence[Row], first: str) -> list[str]:
    rng = np.random.default_rng(0)
    cells = [f"{figure(rows, first, DOUBT, 'read').mean():.0f}"]
    for name in FIGURES:
        own = figure(rows, first, DOUBT, name)
        change = 100 * (own - np.asarray([row[first][name][0] for row in rows]))
        means = change[rng.integers(len(change), size=(10_000, len(change)))].mean(1)
        low, high = np.percentile(means, [2.5, 97.5])
        cells.append(f"{100 * own.mean():.1f} ({low:+.0f} to {high:+.0f})")
    return [*cells, f"{figure(rows, first, DOUBT, 'asked').mean():.2f}"]


def _thresholds(held_out: Sequence[Row], measured: Sequence[Row], first: str) -> str:
    lines = []
    for each in THRESHOLDS:
        cells = [
            f"{100 * figure(rows, first, each, 'in').mean():.0f} at "
            f"{figure(rows, first, each, 'read').mean():.0f}"
            for rows in (held_out, measured)
        ]
        lines.append([f"{each}", *cells])
    areas = []
    for rows in (held_out, measured):
        right = np.asarray([row[first]["in"][0] > 0 for row in rows])
        areas.append(f"{area(np.asarray([doubts(row[first])[0] for row in rows]), right):.2f}")
    lines.append(["a wrong first answer is more doubtful than a right one", *areas])
    return table(["more above", "held out: contained (%) at tokens", "measured"], lines)


if __name__ == "__main__":
    main()
