"""Plots as SVG that read well on light pages and on dark ones.

Lines, words and the ground are drawn in colours that stand for themselves only; in the file each is
a CSS variable, whose value follows ``prefers-color-scheme``. What draws no CSS sees the light ones.
The same plot always gives the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

INK, GRID, GROUND = "#010203", "#040506", "#070809"
"""Words and axes; grids and what is faint; what is behind everything."""

_THEMES: Mapping[str, tuple[str, str, str]] = {
    INK: ("ink", "#24292f", "#e6edf3"),
    GRID: ("grid", "#c9ced4", "#4d5660"),
    GROUND: ("ground", "#ffffff", "#0d1117"),
}
COLOURS = {
    "blue": "#3f7fcf",
    "sky": "#57b1d9",
    "red": "#d0574a",
    "orange": "#dd8b32",
    "green": "#46a06f",
    "brown": "#a5824a",
    "grey": "#8b9096",
    "violet": "#9a6fc9",
}
"""Colours that stand out on either ground."""

_SETTINGS: Mapping[str, Any] = {
    "axes.edgecolor": INK,
    "axes.facecolor": GROUND,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": GROUND,
    "font.family": "sans-serif",
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "savefig.facecolor": GROUND,
    "svg.fonttype": "none",
    "svg.hashsalt": "edgelingua",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def drawing() -> Any:
    """Return a context in which matplotlib draws in these colours."""
    import matplotlib as mpl

    mpl.use("Agg")
    settings: Any = dict(_SETTINGS)
    return mpl.rc_context(settings)


def save(figure: Any, path: Path, **how: Any) -> None:
    """Write a figure, in a context of `drawing`."""
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None}, **how)
    path.write_text(themed(drawn.getvalue()), encoding="utf-8", newline="\n")


def themed(svg: str) -> str:
    """Put variables in the place of the colours that stand for themselves."""
    for colour, (name, light, _) in _THEMES.items():
        svg = svg.replace(colour, f"var(--{name}, {light})")
    light, dark = (
        " ".join(f"--{name}: {values[at]};" for name, *values in _THEMES.values()) for at in (0, 1)
    )
    style = (
        f"<style>:root {{ {light} font-family: system-ui, sans-serif }} "
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}</style>"
    )
    svg = re.sub(r"(<svg [^>]*>)", rf"\1\n {style}", svg, count=1)
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)
