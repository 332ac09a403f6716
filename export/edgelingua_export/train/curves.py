"""The training log and the calibration as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from edgelingua_export.train.calibrate import HeldOut, reliability

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(log: Path, parts: dict[str, HeldOut], picture: Path) -> None:
    """Draw loss by step, and label by P(keep) on held-out texts."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    draw_reliability(right, parts)
    left.plot([r["step"] for r in rows], [r["loss"] for r in rows], label="training")
    if held := [(r["step"], r["held_out"]) for r in rows if "held_out" in r]:
        left.plot([s for s, _ in held], [v for _, v in held], marker="o", label="held out")
    left.set(xlabel="step", ylabel="loss", yscale="log")
    left.legend()
    figure.savefig(picture, dpi=120)


def draw_reliability(axes: Axes, parts: dict[str, HeldOut]) -> None:
    """Draw label by P(keep), one line a mode, beside the diagonal of perfect calibration."""
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    for mode, part in parts.items():
        bins = reliability(part)
        axes.plot([p for p, _, _ in bins], [y for _, y, _ in bins], marker="o", label=mode)
    axes.set(xlabel="P(keep)", ylabel="label, mean over held-out tokens")
    if parts:
        axes.legend()
