"""Rate and distortion: what survives, and what a reader answers, by the share of tokens kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.common import svg
from benchmarks.common.svg import COLOURS, GRID, INK
from benchmarks.quality.compare import common, interval
from benchmarks.quality.methods import CONTENDERS
from benchmarks.quality.rows import Row
from benchmarks.quality.survival import RATES
from benchmarks.quality.tables import ENOUGH, SETS

LINES: Mapping[str, str] = {  # variants of one model have no line of their own
    "truncate": "grey",
    "random": "grey",
    "function-words": "brown",
    "selective_context": "orange",
    "llmlingua": "red",
    "bm25": "brown",
    "longllmlingua": "red",
    "question_aware": "orange",
    "mini": "blue",
    "mini-question": "blue",
    "nano": "sky",
    "nano-question": "sky",
    "multi-question": "green",
}


def survival(rows: Sequence[Row], path: Path) -> None:
    """Draw a panel for each set of enough cases; dashed: without the question.

    Bands are 95 % intervals of our models.
    """

    def panel(name: str, axes: Any) -> bool:
        measure = SETS[name][1]
        mine = [row for row in rows if row["set"] == name]
        found = common(mine, list(CONTENDERS), itemgetter(measure))
        if len(found.cases) < ENOUGH:
            return False
        for method in [each for each in LINES if each in found.values]:
            _line(axes, method, 100 * found.values[method])
        what = "answers that survive" if measure == "answer" else "evidence kept"
        _named(axes, f"{name} (n = {len(found.cases)})", f"{what}, %")
        axes.set_ylim(0, 102)
        return True

    _panels(list(SETS), panel, path)


def reader(rows: Sequence[Row], path: Path) -> None:
    """Draw the F1 of a reader: whole text and no text as lines, points where one rate is known."""

    def panel(name: str, axes: Any) -> bool:
        mine = [row for row in rows if row["set"] == name]
        found = common(mine, ["whole", "nothing", *CONTENDERS], itemgetter("f1"))
        for bound, style in (("whole", "-"), ("nothing", ":")):
            value = 100 * found.mean(bound)[0]
            axes.axhline(value, color=INK, linestyle=style, linewidth=1)
            said = {"whole": "the whole text", "nothing": "no text"}[bound]
            axes.annotate(said, (RATES[-1], value + 1), fontsize=8)
        for method in [each for each in LINES if each in found.values]:
            _line(axes, method, 100 * found.values[method])
        _named(axes, f"{name} (n = {len(found.cases)})", "F1 of the answers, %")
        axes.set_ylim(bottom=0)
        return True

    _panels(list(dict.fromkeys(row["set"] for row in rows)), panel, path)


def _line(axes: Any, method: str, values: np.ndarray[Any, Any]) -> None:
    """A line, of our models with the band of its interval; a point where there is one rate only."""
    contender = CONTENDERS[method]
    low, high = interval(values)
    colour = COLOURS[LINES[method]]
    label = contender.label.strip("`") + (" + question" if contender.asks else "")
    mean = values.mean(axis=0)
    if len(mean) == 1:
        error = np.abs(np.vstack([low, high]) - mean)
        axes.errorbar([0.2], mean, error, fmt="D", color=colour, markersize=5, label=label)
        return
    thick = 2.4 if contender.ours else 1.2
    style = "-" if contender.asks else "--"
    mark = "o" if contender.ours else None
    axes.plot(
        RATES, mean, style, color=colour, linewidth=thick, marker=mark, markersize=4, label=label
    )
    if contender.ours:  # of all of them nothing could be seen
        axes.fill_between(RATES, low, high, color=colour, alpha=0.13, linewidth=0)


def _named(axes: Any, title: str, what: str) -> None:
    axes.set_xscale("log")
    axes.set_xticks(RATES, [f"{rate:g}" for rate in RATES])
    axes.minorticks_off()
    axes.set_title(title, fontsize=11, fontweight="bold")
    axes.set_ylabel(what, fontsize=9)
    axes.set_xlabel("share of the tokens kept", fontsize=9)
    axes.grid(color=GRID)


def _panels(names: Sequence[str], draw: Callable[[str, Any], bool], path: Path) -> None:
    """Draw one panel for each name that has something to show, and one legend below."""
    with svg.drawing():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9.6, 7.2), layout="constrained")
        places = list(figure.subplots(2, 3).flat)
        shown: dict[str, Any] = {}
        for name in names:
            if draw(name, places[0]):
                handles, labels = places.pop(0).get_legend_handles_labels()
                shown |= dict(zip(labels, handles, strict=True))
        for empty in places:
            empty.axis("off")
        figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=4, fontsize=9)
        svg.save(figure, path)
