"""Accuracy against tokens read: more where the reader is unsure, beside fixed rates.

    python -m benchmarks.escalation.table

Reads ``rows.jsonl`` (`benchmarks.escalation.answers`), and writes ``table.md``. Doubt is measured
and the threshold chosen on the cases held out; the tables are of the others. The threshold is the
one that reads least among those whose answers are contained at most a point less often than with
the best, over all sets and readers alike. Intervals are of the difference from the fixed rate, by
10,000 bootstrap samples of the cases.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.common import jsonl
from benchmarks.quality.tables import table
from numpy.typing import NDArray

HERE = Path(__file__).parent
FIXED = ("0.05", "0.1", "0.2", "whole")
FIRST = ("0.05", "0.1")
FIGURES = {"in": "contained", "em": "exact", "f1": "F1"}
GRID = np.round(np.arange(0.02, 1.0, 0.02), 2)

Row = dict[str, Any]
Measure = Callable[[Row], NDArray[np.float64]]

MEASURES: dict[str, Measure] = {
    "1 - mean probability (geometric)": lambda way: 1 - np.exp(np.asarray(way["mean"])),
    "1 - least probability": lambda way: 1 - np.exp(np.asarray(way["least"])),
    "mean entropy, nats": lambda way: np.asarray(way["entropy"]),
}


def doubts(way: Row, measure: Measure) -> NDArray[np.float64]:
    """Doubt at each step: infinite where the answer says that it cannot tell."""
    return np.where(np.asarray(way["cannot"]) > 0, np.inf, measure(way))


def stop(way: Row, threshold: float) -> int:
    """Return the step at which the reader is sure, or the last one."""
    sure = np.flatnonzero(doubts(way, MEASURES["1 - mean probability (geometric)"]) <= threshold)
    return int(sure[0]) if len(sure) else len(way["read"]) - 1


def outcome(rows: Sequence[Row], first: str, threshold: float | None, name: str) -> Any:
    """A figure of each case ``(n,)``; without a threshold nothing is read on."""
    return np.asarray(
        [row[first][name][0 if threshold is None else stop(row[first], threshold)] for row in rows]
    )


def area(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Chance that a wrong answer is more doubtful than a right one (area under the ROC curve)."""
    wrong, good = scores[~right][:, None], scores[right][None]
    return float((wrong > good).mean() + (wrong == good).mean() / 2)


def threshold_of(rows: Sequence[Row], first: str) -> float:
    """Return the threshold that calibration chooses."""
    right = np.asarray([outcome(rows, first, each, "in").mean() for each in GRID])
    read = np.asarray([outcome(rows, first, each, "read").mean() for each in GRID])
    return float(GRID[np.argmin(np.where(right >= right.max() - 0.01, read, np.inf))])


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    rows = jsonl.read(HERE / "rows.jsonl")
    (HERE / "table.md").write_text(page(rows), encoding="utf-8")


def page(rows: Sequence[Row]) -> str:
    """Return the page of all rows."""
    held_out = [row for row in rows if row["held_out"]]
    measured = [row for row in rows if not row["held_out"]]
    readers = list(dict.fromkeys(row["reader"] for row in rows))
    chosen = {first: threshold_of(held_out, first) for first in FIRST}
    out = [
        "# More where the reader is unsure",
        "",
        "Made by `python -m benchmarks.escalation.table`. Readers are the GGUF's weights in "
        "PyTorch (bfloat16, greedy, at most 24 tokens), asked what `escalate=True` leaves in the "
        "cache at each step. Tokens read are those of system prompt and template too, and of the "
        "question each time it is asked.",
        "",
        "## Calibration",
        "",
        f"{len(held_out)} answers' questions that are in no other table. Threshold, by what is "
        "read first: "
        + ", ".join(f"{first}: **{chosen[first]:.2f}**" for first in FIRST)
        + ". Reader by reader: "
        + "; ".join(
            f"{reader} "
            + ", ".join(f"{t:.2f}" for t in (threshold_of(of(held_out, reader), f) for f in FIRST))
            for reader in readers
        )
        + ". Chance that a wrong first answer is more doubtful than a right one:",
        "",
        _areas(held_out, readers),
    ]
    sets = list(dict.fromkeys(row["set"] for row in measured))
    for reader in readers:
        out += ["", f"## {reader}", "", _ways(of(measured, reader), sets, chosen)]
    for reader in readers:
        out += ["", f"## {reader}: every threshold, all sets", ""]
        out.append(_curve(of(measured, reader)))
    return "\n".join(out) + "\n"


def of(rows: Iterable[Row], reader: str) -> list[Row]:
    """Return the rows of a reader."""
    return [row for row in rows if row["reader"] == reader]


def _areas(rows: Sequence[Row], readers: Sequence[str]) -> str:
    lines = []
    for name, measure in MEASURES.items():
        cells = []
        for reader in readers:
            own = of(rows, reader)
            for first in FIRST:
                scores = np.asarray([doubts(row[first], measure)[0] for row in own])
                right = np.asarray([row[first]["in"][0] > 0 for row in own])
                cells.append(f"{area(scores, right):.2f}")
        lines.append([name, *cells])
    return table(["doubt", *(f"{reader}, {first}" for reader in readers for first in FIRST)], lines)


def _ways(rows: Sequence[Row], sets: Sequence[str], chosen: dict[str, float]) -> str:
    lines = []
    for name in [*sets, "all"]:
        own = [row for row in rows if name in (row["set"], "all")]
        for way in FIXED:
            lines.append([f"{name}, n = {len(own)}", way, *_cells(own, way, None)])
        for first in FIRST:
            lines.append([name, f"{first}, more if unsure", *_cells(own, first, chosen[first])])
    return table(["set", "read", "tokens", *FIGURES.values(), "asked", "beside the rate"], lines)


def _cells(rows: Sequence[Row], way: str, threshold: float | None) -> list[str]:
    figures = {name: outcome(rows, way, threshold, name) for name in ("read", *FIGURES)}
    cells = [f"{figures['read'].mean():.0f}"]
    cells += [f"{100 * figures[name].mean():.1f}" for name in FIGURES]
    if threshold is None:
        return [*cells, "1", "–"]
    asked = np.mean([stop(row[way], threshold) + 1 for row in rows])
    change = 100 * (figures["in"] - outcome(rows, way, None, "in"))
    rng = np.random.default_rng(0)
    means = change[rng.integers(len(change), size=(10_000, len(change)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return [*cells, f"{asked:.2f}", f"{change.mean():+.1f} ({low:+.1f} to {high:+.1f})"]


def _curve(rows: Sequence[Row]) -> str:
    lines = []
    for each in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        cells = [f"{each}"]
        for first in FIRST:
            read, right = (outcome(rows, first, each, name) for name in ("read", "in"))
            cells.append(f"{100 * right.mean():.1f} at {read.mean():.0f}")
        lines.append(cells)
    return table(["doubt above", *(f"from {first}: contained at tokens" for first in FIRST)], lines)


if __name__ == "__main__":
    main()
