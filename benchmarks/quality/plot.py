"""The picture of survival by rate."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

from benchmarks.quality.compare import common
from benchmarks.quality.methods import CONTENDERS
from benchmarks.quality.rows import Row
from benchmarks.quality.survival import RATES
from benchmarks.quality.tables import ENOUGH, SETS

COLOURS = {  # variants of one model have no line of their own
    "truncate": "#9e9e9e",
    "random": "#c7c7c7",
    "function-words": "#8c6d31",
    "selective_context": "#e6862c",
    "llmlingua": "#c0392b",
    "bm25": "#8c6d31",
    "longllmlingua": "#c0392b",
    "question_aware": "#e6862c",
    "mini": "#1f5fa8",
    "mini-question": "#1f5fa8",
    "nano": "#5fb0d8",
    "nano-question": "#5fb0d8",
}


def plot(rows: Sequence[Row], path: Path) -> None:
    """Draw one panel for each set of enough cases; dashed: without the question."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6.8), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(2, 3).flat)
    shown = []
    for name, (_, measure) in SETS.items():
        mine = [row for row in rows if row["set"] == name]
        found = common(mine, list(CONTENDERS), itemgetter(measure))
        if len(found.cases) < ENOUGH:
            continue
        panel = panels[len(shown)]
        shown.append(panel)
        for method in [name for name in COLOURS if name in found.values]:
            contender = CONTENDERS[method]
            panel.plot(
                RATES,
                100 * found.mean(method),
                color=COLOURS[method],
                linestyle="-" if contender.asks else "--",
                linewidth=2.6 if contender.ours else 1.4,
                marker="o" if contender.ours else None,
                markersize=4,
                label=contender.label.strip("`") + (" + question" if contender.asks else ""),
            )
        panel.set_xscale("log")
        panel.set_xticks(RATES, [f"{rate:g}" for rate in RATES])
        panel.minorticks_off()
        panel.set_ylim(0, 102)
        what = "answers that survive" if measure == "answer" else "evidence kept"
        panel.set_title(f"{name} (n = {len(found.cases)})", fontsize=11, fontweight="bold")
        panel.set_ylabel(f"{what}, %", fontsize=9)
        panel.set_xlabel("share of the tokens kept", fontsize=9)
        panel.grid(alpha=0.25)
    for panel in panels[len(shown) :]:
        panel.axis("off")
    if shown:
        handles, labels = shown[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9
        )
    figure.savefig(path, dpi=150)
