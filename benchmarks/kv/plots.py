"""How the variants look in all plots: a colour for a policy, a line for how it is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.common import svg

ORDER = (
    *("streaming", "keydiff", "knorm", "lagkv", "tova", "snapkv", "h2o", "random"),
    *("truncation", "compressor"),
)
"""Policies in the order of matplotlib's ten colours."""


def style(name: str) -> dict[str, Any]:
    """Colour by the policy; dashed if alone, dotted by chunks, solid by phrases, thick in q8_0."""
    if name == "full cache":
        return {"color": svg.INK, "linestyle": ":", "label": name}
    base = name.replace(",", "").split()[0]
    colour = f"C{ORDER.index(base)}" if base in ORDER else svg.COLOURS["grey"]
    line = "-" if "phrases" in name or base in ("streaming", "truncation") else "--"
    if "chunks" in name:
        line = ":"
    if "recent" in name or "window" in name or "q4_0" in name:
        line = "-."
    width = 2.6 if "q8_0" in name else 1.3
    return {"color": colour, "linestyle": line, "label": name, "marker": ".", "linewidth": width}


@contextmanager
def panels(path: Path, rows: int, columns: int, width: float = 4.2) -> Iterator[Any]:
    """Yield axes ``(rows, columns)``; then save them with one legend beside them, if any."""
    with svg.drawing():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width * columns, 3.6 * rows))
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        yield axes
        named: dict[str, Any] = {}
        for panel in axes.flat:
            panel.grid(color=svg.GRID)
            handles, labels = panel.get_legend_handles_labels()
            named |= dict(zip(labels, handles, strict=True))
        figure.tight_layout()
        if named:
            figure.legend(
                named.values(),
                named.keys(),
                loc="center left",
                bbox_to_anchor=(1, 0.5),
                fontsize="small",
            )
        svg.save(figure, path, bbox_inches="tight")
