"""Shows what a search saw: a table on stderr, a plot in the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from edgelingua_export.quantization.measure import Row
from edgelingua_export.quantization.scheme import Scheme


def pareto_front(rows: Sequence[Row]) -> list[Row]:
    """Rows that no other beats: none is at least as good in size, loss and speed, better in one."""
    return [row for row in rows if not any(_beats(other, row) for other in rows)]


def _beats(one: Row, other: Row) -> bool:
    a, b = _costs(one), _costs(other)
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))


def _costs(row: Row) -> tuple[float, float, float]:
    return row.megabytes, row.loss, -row.speed


def table(rows: Sequence[Row], chosen: Scheme | None, width: int = 100) -> str:
    """Return the rows as text, by size: an arrow at the chosen one, dots at the Pareto front."""
    front = {row.scheme for row in pareto_front(rows)}
    grid = Table(box=None, pad_edge=False)
    grid.add_column("")
    grid.add_column("candidate", overflow="fold")
    for name in ("MB", "loss", "mean |Δ|", "ms/256", "x fp32"):
        grid.add_column(name, justify="right")
    for row in sorted(rows, key=lambda row: (row.megabytes, row.loss, row.scheme.label)):
        mark = "→" if row.scheme == chosen else "•" if row.scheme in front else ""
        grid.add_row(
            mark,
            row.scheme.label,
            f"{row.megabytes:.1f}",
            f"{row.loss:.2%}",
            f"{row.difference:.4f}",
            f"{row.milliseconds:.0f}",
            f"{row.speed:.2f}",
        )
    console = Console(width=width, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(grid)
    return capture.get()


def plot(rows: Sequence[Row], chosen: Row, max_loss: float, path: Path) -> None:
    """Draw loss against size, with speed as colour."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot(title=f"chosen: {chosen.scheme.label}")
    axes.title.set_fontsize(10)
    sizes, losses = ([getattr(row, name) for row in rows] for name in ("megabytes", "loss"))
    dots = axes.scatter(sizes, losses, c=[row.speed for row in rows], cmap="viridis", zorder=2)
    front = pareto_front(rows)
    axes.scatter(
        [row.megabytes for row in front],
        [row.loss for row in front],
        s=90,
        facecolors="none",
        edgecolors="black",
        label="no other is better (Pareto front)",
    )
    axes.scatter(
        [chosen.megabytes], [chosen.loss], marker="*", s=220, c="tab:red", zorder=3, label="chosen"
    )
    axes.axhline(max_loss, color="grey", linestyle="--", linewidth=0.8, label="loss allowed")
    axes.set_yscale("symlog", linthresh=0.01)  # linear up to 1 %: a loss can be nothing
    ticks = [0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 10, 100]
    top = max(*losses, max_loss)
    axes.set_yticks([tick for tick in ticks if tick <= 2 * top], minor=False)
    axes.set_yticks([], minor=True)
    axes.set_ylim(0, 1.5 * top)
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    axes.set_xlabel("size of the graph (MB)")
    axes.set_ylabel("loss on the search text")
    axes.legend(fontsize=8)
    figure.colorbar(dots, label="speed (multiple of fp32)")
    figure.savefig(path, dpi=110, metadata={"Software": None})
