"""How the default count of tokens compares with readers' own, on texts of many kinds.

``python -m benchmarks.counts.run --data DIR --reader gpt2=DIR/gpt2.json --reader …`` writes
``rows.json`` (by kind) and ``table.md``. ``--data`` as for ``quality``; a reader is a
``tokenizer.json`` or a ``.gguf`` file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from benchmarks.counts.texts import texts
from numpy.typing import NDArray

from edgelingua.text.counting import Count, counter
from edgelingua.text.estimate import estimated_tokens

HERE = Path(__file__).parent


def main() -> None:
    """Count, and write the rows and the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--reader", action="append", required=True, metavar="NAME=FILE")
    parser.add_argument("--size", type=int, default=15, help="texts a kind")
    parser.add_argument("--out", default="table.md")
    options = parser.parse_args()
    readers = {name: counter(file) for name, file in (r.split("=", 1) for r in options.reader)}
    found = texts(options.data, options.size)
    ratios = {kind: _ratios(some, readers) for kind, some in found.items() if some}
    table = _table(ratios, list(readers))
    (HERE / options.out).write_text(table, encoding="utf-8")
    rows = {
        kind: [round(float(part), 3) for part in np.min(each, axis=0)]
        for kind, each in ratios.items()
    }
    (HERE / options.out).with_suffix(".json").write_text(json.dumps(rows, indent=0) + "\n")


def _ratios(some: list[str], readers: dict[str, Count]) -> NDArray[np.float64]:
    """Estimate over count: ``(texts, readers)``."""
    return np.asarray(
        [
            [estimated_tokens(text) / max(1, count(text)) for count in readers.values()]
            for text in some
        ]
    )


def _table(ratios: dict[str, NDArray[np.float64]], readers: list[str]) -> str:
    every = np.concatenate(list(ratios.values()))
    columns = {**dict(zip(readers, every.T, strict=True)), "the largest of them": every.min(axis=1)}
    lines = [
        f"{len(every):,} texts of {len(ratios)} kinds; estimated tokens divided by the reader's.",
        "",
        "| reader | at or above | 1 % quantile | 5 % quantile | median | 95 % quantile |",
        "|---|---|---|---|---|---|",
    ]
    for name, column in columns.items():
        quantiles = " | ".join(f"{q:.2f}" for q in np.quantile(column, [0.01, 0.05, 0.5, 0.95]))
        lines.append(f"| {name} | {100 * np.mean(column >= 1):.1f} % | {quantiles} |")
    lines += ["", "Kinds with a text that is estimated too low, beside the largest:", ""]
    lines += ["| kind | lowest | median |", "|---|---|---|"]
    for kind, each in ratios.items():
        least = each.min(axis=1)
        if least.min() < 0.995:
            lines.append(f"| {kind} | {least.min():.2f} | {np.median(least):.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
