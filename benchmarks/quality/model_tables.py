"""Markdown tables of what a language model makes of compressed text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from benchmarks.quality.compare import Comparison, common
from benchmarks.quality.methods import CONTENDERS
from benchmarks.quality.rows import Row
from benchmarks.quality.survival import RATES
from benchmarks.quality.tables import SETS, label, table

RATELESS = frozenset({"whole", "nothing"})
"""What the continuation was read behind without any compression."""


def reader_tables(rows: Sequence[Row]) -> str:
    """A table a reader and set: NLL, exact match and F1 at each rate."""
    parts = []
    for reader in dict.fromkeys(row["reader"] for row in rows):
        for name, (title, _) in SETS.items():
            mine = [row for row in rows if row["reader"] == reader and row["set"] == name]
            if mine:
                parts.append(f"### {reader}: {title}\n\n{_reader_table(mine)}\n")
    return "\n".join(parts) or "Not measured.\n"


def _reader_table(rows: Sequence[Row]) -> str:
    """Columns are the rates at which something was read; the whole text is in each of them."""
    methods = ["whole", *CONTENDERS]
    read = {row["rate"] for row in rows if row["method"] != "whole"}
    columns = {
        rate: common(
            [row for row in rows if row["rate"] == rate or row["method"] == "whole"],
            methods,
            lambda row: (row["nll"], row["em"], row["f1"]),
        )
        for rate in RATES
        if rate in read
    }
    lines = []
    for method in methods:
        cells = [_read(column, method) for column in columns.values()]
        if any(cells):
            asks = method in CONTENDERS and CONTENDERS[method].asks
            lines.append([label(method), "yes" if asks else "–", *cells])
    head = ["NLL · exact match · F1 (%) at rate", "sees the question"]
    head += [f"{rate}, n = {len(column.cases)}" for rate, column in columns.items()]
    return table(head, lines)


def _read(column: Comparison, method: str) -> str:
    if method not in column.values:
        return ""
    nll, em, f1 = column.mean(method)
    return f"{nll:.2f} · {100 * em:.0f} · {100 * f1:.0f}"


def continuation_table(rows: Sequence[Row]) -> str:
    """Perplexity by kind of text, method and rate, at the places that every method has."""
    parts = []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        mine = [row for row in rows if row["kind"] == kind]
        methods = list(dict.fromkeys(row["method"] for row in mine))
        places = _places(mine, methods)
        if not places:
            continue
        lines = [
            [label(name), *_perplexities([r for r in mine if r["method"] == name], places)]
            for name in methods
        ]
        head = [f"{kind}: perplexity at rate, n = {len(places)}", *map(str, RATES)]
        parts.append(table(head, lines) + "\n")
    return "\n".join(parts) or "Not measured.\n"


def _perplexities(rows: Sequence[Row], places: set[int]) -> list[str]:
    """Cell of each rate; of what has none, its perplexity in each of them."""
    cells = []
    for rate in RATES:
        nll = [
            row["nll"]
            for row in rows
            if row["place"] in places and (row["rate"] == rate or row["method"] in RATELESS)
        ]
        cells.append(f"{np.exp(np.mean(nll)):.1f}")
    return cells


def _places(rows: Sequence[Row], methods: Sequence[str]) -> set[int]:
    """Places that every method has at every rate."""
    have = {name: Counter(r["place"] for r in rows if r["method"] == name) for name in methods}
    wanted = {name: 1 if name in RATELESS else len(RATES) for name in methods}
    return set.intersection(
        *({p for p, times in have[name].items() if times == wanted[name]} for name in methods)
    )
