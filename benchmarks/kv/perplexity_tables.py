"""Tables and a plot of the perplexities' rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.common import svg
from benchmarks.kv.log import read_rows
from benchmarks.kv.plots import panels, style
from numpy.typing import NDArray

BUCKET = 1000
"""Positions whose losses are summed together."""

Row = dict[str, Any]


def write(results: Path) -> None:
    """Write ``.md`` and ``.svg`` beside the rows."""
    rows = read_rows(results)
    if not rows:
        return
    results.with_suffix(".md").write_text(tables(rows), encoding="utf-8")
    plot(rows, results.with_suffix(".svg"))


def tables(rows: list[Row]) -> str:
    """Perplexity per variant and cap, and how much above the full cache's; a table a length."""
    out = []
    for tokens in sorted({row["tokens"] for row in rows}):
        mine = [row for row in rows if row["tokens"] == tokens]
        caps = sorted({row["cap"] for row in mine if row["cap"]})
        full = next((row for row in mine if not row["cap"]), None)
        told = f"; full cache: {full['perplexity']:.2f}" if full else ""
        out += [
            f"{tokens:,} tokens of {mine[0]['book']}, blocks of {mine[0]['block']}{told}.",
            "",
            "| policy | " + " | ".join(f"cap {cap}" for cap in caps) + " |",
            "|---|" + "---|" * len(caps),
        ]
        for name in dict.fromkeys(row["name"] for row in mine if row["cap"]):
            found = {row["cap"]: row for row in mine if row["name"] == name}
            cells = [_cell(found.get(cap), full) for cap in caps]
            out.append(f"| {name} | " + " | ".join(cells) + " |")
        out.append("")
    return "\n".join(out)


def _cell(row: Row | None, full: Row | None) -> str:
    if row is None:
        return "-"
    if full is None:
        return f"{row['perplexity']:.2f}"
    return f"{row['perplexity']:.2f} ({row['perplexity'] / full['perplexity'] - 1:+.1%})"


def ratios(row: Row, full: Row) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middle of each bucket, and its perplexity as a multiple of the full cache's.

    The last bucket is shorter: the token after the last one is not known.
    """
    ends = np.append(np.arange(0, row["tokens"] - 1, BUCKET), row["tokens"] - 1)
    nats = (np.asarray(row["nats"]) - full["nats"]) / np.diff(ends)
    return (ends[:-1] + ends[1:]) / 2, np.exp(nats)


def plot(rows: list[Row], path: Path) -> None:
    """Perplexity of each bucket of positions over the full cache's; a panel for each cap."""
    full = next((row for row in rows if not row["cap"]), None)
    if full is None:
        return
    mine = [row for row in rows if row["tokens"] == full["tokens"] and row["cap"]]
    caps = sorted({row["cap"] for row in mine})
    with panels(path, 1, len(caps)) as axes:
        for panel, cap in zip(axes[0], caps, strict=True):
            for row in (row for row in mine if row["cap"] == cap):
                panel.plot(*ratios(row, full), **style(row["name"]))
            panel.axhline(1, color=svg.INK, linestyle=":", label="full cache")
            panel.set_title(f"cap {cap}")
            panel.set_xlabel("position")
            panel.set_ylim(0.98, 1.3)
        axes[0][0].set_ylabel("perplexity, of the full cache's")
