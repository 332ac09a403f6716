"""Right answers against tokens read: more where the reader is unsure, beside fixed rates.

    python -m benchmarks.escalation.table

Reads ``rows.jsonl`` (`benchmarks.escalation.answers`; of ``least`` and ``entropy`` the first
answer's alone) and ``runtime.jsonl`` (`benchmarks.escalation.runtime`); writes ``table.md``. Cases
held out are for choosing the threshold alone. Intervals are of the difference from the first
answer, by 10,000 bootstrap samples of the cases.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.common import jsonl
from benchmarks.quality.tables import table
from numpy.typing import NDArray

from edgelingua.readers.escalation import DOUBT

HERE = Path(__file__).parent
FIRST = ("0.05", "0.1")
FIXED = ("0.1", "0.2", "whole")
FIGURES = {"in": "contained", "em": "exact", "f1": "F1"}
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
SIGNS = {
    "mean": "1 less the geometric mean of the probabilities",
    "least": "1 less the least probability",
    "entropy": "mean entropy",
}

Row = dict[str, Any]
Groups = Mapping[tuple[str, str], Sequence[Row]]


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    rows = [
        *jsonl.read(HERE / "rows.jsonl"),
        *(
            {**row, "reader": f"{row['reader']} in llama.cpp"}
            for row in jsonl.read(HERE / "runtime.jsonl")
        ),
    ]
    (HERE / "table.md").write_text(page(rows), encoding="utf-8")


def page(rows: Sequence[Row]) -> str:
    """Return the page of all rows."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["reader"], row["set"]), []).append(row)
    whole = {key: some for key, some in groups.items() if "whole" in some[0]}
    out = [
        "# More where the reader is unsure",
        "",
        "Made by `python -m benchmarks.escalation.table`. Tokens read are those of system prompt, "
        "template and question too, and of the question each time it is asked. Where llama.cpp "
        "is not named, the GGUF in PyTorch on an H200, bfloat16, greedy.",
    ]
    for first in FIRST:
        out += ["", f"## Beside fixed rates, from {first}", "", _overview(whole, first)]
    out += ["", "## The threshold", "", *_threshold(whole), "", "## What tells", "", _signs(whole)]
    for (reader, name), own in groups.items():
        for first in FIRST:
            if first in own[0]:
                out += ["", f"## {reader}, {name}, from {first}", ""]
                out.append(_ways(_halves(own)[1], first))
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


def _halves(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Return the rows held out, and the others."""
    return [row for row in rows if row["held_out"]], [row for row in rows if not row["held_out"]]


def _overview(groups: Groups, first: str) -> str:
    """Contained answers at the tokens read: every reader and set in a line."""
    fixed = [way for way in FIXED if way != first]
    lines = []
    for (reader, name), rows in groups.items():
        own = _halves(rows)[1]
        cells = [f"{_share(own, way)} at {_read(own, way)}" for way in (first, *fixed)]
        chosen = _chosen(own, first)
        cells.insert(1, f"{chosen[1]} at {chosen[0]}")
        lines.append([f"{reader}, {name}, n = {len(own)}", *cells])
    head = ["contained (%) at tokens", f"first: {first}", f"more above {DOUBT}", *fixed]
    return table(head, lines)


def _threshold(groups: Groups) -> list[str]:
    """Each threshold on the held-out questions: the mean over the sets of each reader."""
    readers = list(dict.fromkeys(reader for reader, _ in groups))
    columns = [(reader, first) for reader in readers for first in FIRST]
    lines = []
    for each in THRESHOLDS:
        cells = []
        for reader, first in columns:
            sets = [_halves(rows)[0] for (name, _), rows in groups.items() if name == reader]
            right, read = (
                np.mean([figure(rows, first, each, what).mean() for rows in sets])
                for what in ("in", "read")
            )
            cells.append(f"{100 * right:.1f} at {read:.0f}")
        lines.append([f"{each}", *cells])
    head = ["more above", *(f"{reader}, from {first}" for reader, first in columns)]
    told = "Questions held out: contained (%) at tokens, the mean over the sets."
    return [told, "", table(head, lines)]


def _signs(groups: Groups) -> str:
    """How well each sign tells a wrong first answer from a right one, over all questions."""
    lines = []
    for sign, said in SIGNS.items():
        cells = []
        for rows in groups.values():
            for first in FIRST:
                right = np.asarray([row[first]["in"][0] > 0 for row in rows])
                way = np.asarray([row[first][sign][0] for row in rows])
                cells.append(area(way if sign == "entropy" else -way, right))
        lines.append([said, f"{np.mean(cells):.2f}", f"{min(cells):.2f} to {max(cells):.2f}"])
    head = ["a wrong first answer has more of it than a right one", "mean", "readers and sets"]
    return table(head, lines)


def _ways(rows: Sequence[Row], first: str) -> str:
    lines = [
        ["the first answer", *_cells(rows, first, 0), "1"],
        [f"more above {DOUBT}", *_chosen(rows, first)],
        ["read to the end in steps, last answer", *_cells(rows, first, -1), "–"],
    ]
    fixed = [way for way in FIXED if way in rows[0] and way != first]
    lines += [[way, *_cells(rows, way, 0), "1"] for way in fixed]
    head = [f"n = {len(rows)}", "tokens", *FIGURES.values(), "asked"]
    return table(head, lines)


def _read(rows: Sequence[Row], way: str, step: int = 0) -> str:
    return f"{np.mean([row[way]['read'][step] for row in rows]):.0f}"


def _share(rows: Sequence[Row], way: str, step: int = 0, name: str = "in") -> str:
    return f"{100 * np.mean([row[way][name][step] for row in rows]):.1f}"


def _cells(rows: Sequence[Row], way: str, step: int) -> list[str]:
    return [_read(rows, way, step), *(_share(rows, way, step, name) for name in FIGURES)]


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


if __name__ == "__main__":
    main()
