"""Tables of what a reader answers: each method at a fifth, and all rates beside the whole text.

    python -m benchmarks.quality.reader_tables

Reads ``results/reader-torch.jsonl`` (`benchmarks.quality.reader_torch`) and writes ``reader.md``
and ``reader.svg``. Intervals are of the difference from the whole text, by 10,000 bootstrap samples
of the cases.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import Any

import numpy as np
from benchmarks.common import jsonl
from benchmarks.quality import plot
from benchmarks.quality.methods import CONTENDERS
from benchmarks.quality.run import HERE
from benchmarks.quality.survival import RATES
from benchmarks.quality.tables import label, table
from numpy.typing import NDArray

ROWS = HERE / "results" / "reader-torch.jsonl"
FIFTH = RATES.index(0.2)
ALL_RATES = ("mini-question", "multi-question")
FIGURES = {"in": "answer contained", "em": "exact", "f1": "F1"}

_Rows = dict[tuple[str, str], dict[int, Any]]


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    rows = jsonl.read(ROWS)
    found: _Rows = defaultdict(dict)
    for row in rows:
        found[row["set"], row["method"]][row["case"]] = row
    sets = list(dict.fromkeys(row["set"] for row in rows))
    readers = sorted({row["reader"] for row in rows})
    (HERE / "reader.md").write_text(page(found, sets, readers), encoding="utf-8")
    plot.reader(rows, HERE / "reader.svg")


def page(found: _Rows, sets: list[str], readers: list[str]) -> str:
    """Return the page of all rows."""
    head = [
        "# What a larger reader answers",
        "",
        f"{', '.join(readers)} (the GGUF in PyTorch 2.11 on an H200, bfloat16, greedy), asked "
        "with what each method keeps; its tokens are counted. In brackets the 95 % interval of the "
        "difference from the whole text. Made by `python -m benchmarks.quality.reader_tables`.",
        "",
        "## At a fifth of the tokens",
        "",
        "Exact match, F1, and questions whose answer is contained in the reader's, in %.",
        "",
        _fifth(found, sets),
    ]
    for method in ALL_RATES:
        head += ["", f"## {label(method)} at every rate", "", _rates(found, sets, method)]
    return "\n".join(head) + "\n"


def _fifth(found: _Rows, sets: list[str]) -> str:
    methods = ["whole", "nothing", *CONTENDERS]
    lines = []
    for method in methods:
        if (sets[0], method) in found:
            cells = [_all_three(found[name, method]) for name in sets]
            asks = method in CONTENDERS and CONTENDERS[method].asks
            lines.append([label(method), "yes" if asks else "–", *cells])
    head = [f"{name}, n = {len(found[name, 'whole'])}" for name in sets]
    return table(["% exact · F1 · contained", "sees the question", *head], lines)


def _all_three(rows: dict[int, Any]) -> str:
    return " · ".join(f"{100 * _values(rows, name).mean():.0f}" for name in ("em", "f1", "in"))


def _rates(found: _Rows, sets: list[str], method: str) -> str:
    lines = []
    for name in sets:
        for figure, said in FIGURES.items():
            whole = _values(found[name, "whole"], figure)
            cells = [
                beside(_values(found[name, method], figure, at), whole) for at in range(len(RATES))
            ]
            lines.append([name, said, f"{100 * whole.mean():.0f}", *cells])
    return table(["set", "%", "whole", *map(str, RATES)], lines)


def _values(rows: dict[int, Any], figure: str, at: int = -1) -> NDArray[np.float64]:
    """A figure of all cases, in their order: that of a rate, or the only one."""
    every = [rows[case][figure] for case in sorted(rows)]
    return np.asarray([one[FIFTH if at < 0 and len(one) > 1 else max(at, 0)] for one in every])


def beside(own: NDArray[np.float64], whole: NDArray[np.float64]) -> str:
    """Mean in %, and the 95 % bootstrap interval of the difference, cases in pairs."""
    rng = np.random.default_rng(0)
    change = 100 * (own - whole)
    means = change[rng.integers(len(change), size=(10_000, len(change)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{100 * own.mean():.0f} ({low:+.0f} to {high:+.0f})"


if __name__ == "__main__":
    main()
