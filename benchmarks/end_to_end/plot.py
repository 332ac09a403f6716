"""Plots of when compressing pays: the first token's time over the length of the text.

    python -m benchmarks.end_to_end.plot              # of auto.jsonl
    python -m benchmarks.end_to_end.plot card.json    # of a device's card, `edgelingua bench`

Writes ``break_even.svg`` beside this script: never, always and ``rate="auto"``, with the range of
the rounds. Of a card, ``card.svg`` beside it: the seconds to the first token over the length of the
text, alone and behind each compressor at a fifth, with the length from which that is sooner; and
the memory, with a cache that grows and with one that does not.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from benchmarks.common import jsonl, svg
from benchmarks.common.svg import COLOURS, GRID, INK

from edgelingua.planner.card import Card
from edgelingua.planner.payoff import break_even, first_token

HERE = Path(__file__).parent
RATE = 0.2
CAP = 1024
"""Cells of the cache that does not grow."""

_LENGTHS = np.geomspace(64, 32_768, 60)
WAYS = {"never": "red", "always": "blue", "auto": "green"}


def main() -> None:
    """Draw one of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("card", type=Path, nargs="?", help="card.json; without it auto.jsonl")
    options = parser.parse_args()
    if options.card:
        of_card(Card.read(options.card), options.card.with_suffix(".svg"))
    else:
        rows = [row for row in jsonl.read(HERE / "auto.jsonl") if "way" in row]
        measured(rows, HERE / "break_even.svg")


def measured(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the processor seconds of each way, a panel for each reader."""
    readers = list(dict.fromkeys(row["reader"] for row in rows))
    with svg.drawing():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(4.8 * len(readers), 3.8), layout="constrained")
        places = figure.subplots(1, len(readers), squeeze=False)[0]
        for axes, name in zip(places, readers, strict=True):
            mine = [row for row in rows if row["reader"] == name]
            lengths = sorted({row["tokens"] for row in mine})
            for way, colour in WAYS.items():
                of = [
                    [r["cpu"] for r in mine if (r["way"], r["tokens"]) == (way, length)]
                    for length in lengths
                ]
                axes.plot(lengths, list(map(median, of)), "o-", color=COLOURS[colour], label=way)
                low, high = list(map(min, of)), list(map(max, of))
                axes.fill_between(
                    lengths, low, high, color=COLOURS[colour], alpha=0.15, linewidth=0
                )
            _named(axes, name, "processor seconds to the first token")
        axes.legend(title="compresses", fontsize=9)
        svg.save(figure, path)


def of_card(card: Card, path: Path) -> None:
    """Draw time and memory over length, for the card's first reader."""
    reader = card.readers[0]
    with svg.drawing():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9.6, 3.8), layout="constrained")
        time, memory = figure.subplots(1, 2)
        alone = [first_token(reader, int(n)) for n in _LENGTHS]
        time.plot(_LENGTHS, alone, color=INK, label="the whole text")
        asked = [cost for cost in card.compressors if cost.question]
        for cost, colour in zip(asked, list(COLOURS.values()), strict=False):
            spent = [first_token(reader, int(n), rate=RATE, compressor=cost) for n in _LENGTHS]
            from_there = break_even(reader, RATE, cost)
            told = "never sooner" if from_there is None else f"sooner from {from_there:,}"
            name = cost.bundle or cost.method
            time.plot(_LENGTHS, spent, color=colour, label=f"{name}, {told}")
            if from_there and from_there > _LENGTHS[0]:
                time.plot(from_there, first_token(reader, from_there), "o", color=colour)
        time.legend(fontsize=8)
        _named(time, f"{reader.name}, a fifth read", "seconds to the first token")
        base = reader.base_mb or reader.file_mb
        for kind, style in zip(reader.cell_bytes, ("-", "--", ":"), strict=False):
            each = reader.cell_bytes[kind] / 1e6
            grown = base + each * _LENGTHS
            capped = base + each * np.minimum(_LENGTHS, CAP)
            memory.plot(_LENGTHS, grown, style, color=COLOURS["red"], label=f"{kind}, no cap")
            memory.plot(
                _LENGTHS, capped, style, color=COLOURS["blue"], label=f"{kind}, {CAP} cells"
            )
        memory.legend(fontsize=8)
        _named(memory, "the reader's process", "MB")
        svg.save(figure, path)


def _named(axes: Any, title: str, what: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("{x:g}" if axis is axes.yaxis else "")
    axes.set_title(title, fontsize=11, fontweight="bold")
    axes.set_xlabel("tokens of the text")
    axes.set_ylabel(what)
    axes.grid(color=GRID)


if __name__ == "__main__":
    main()
