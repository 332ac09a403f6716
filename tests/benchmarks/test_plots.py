"""Plots read well on light pages and on dark ones, and say the same each time."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from benchmarks.common import svg

from edgelingua.planner.card import Card, CompressorCost, ReaderCost
from edgelingua.planner.curve import Curve
from tests.conftest import ROOT

SVGS = sorted((ROOT / "benchmarks").rglob("*.svg"))


@pytest.mark.parametrize("path", SVGS, ids=lambda path: path.stem)
def test_a_plot_has_two_grounds_and_no_colour_for_one_only(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    ET.fromstring(text)
    assert "prefers-color-scheme: dark" in text
    assert "var(--ground" in text
    colours = set(re.findall(r"#[0-9a-f]{6}\b", text.partition("</style>")[2]))
    assert not colours & {"#000000", svg.INK, svg.GRID, svg.GROUND}
    assert not re.search(r"(fill|stroke): #ffffff", text)


def test_a_figure_is_drawn_alike_twice(tmp_path: Path) -> None:
    figures = pytest.importorskip("matplotlib.figure")
    for name in ("one.svg", "two.svg"):
        with svg.drawing():
            figure = figures.Figure()
            figure.subplots().plot([1, 2], [3, 5], color=svg.INK)
            svg.save(figure, tmp_path / name)
    one, two = ((tmp_path / name).read_bytes() for name in ("one.svg", "two.svg"))
    assert one == two


@pytest.mark.llama
def test_the_front_is_what_nothing_else_beats() -> None:
    from benchmarks.kv import summary

    points = [(3.0, 1.0), (1.0, 5.0), (2.0, 5.0), (2.0, 2.0), (4.0, 1.0)]
    assert summary.front(points) == [(1.0, 5.0), (2.0, 2.0), (3.0, 1.0)]


def test_a_card_is_drawn_with_the_length_that_pays(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.end_to_end import plot

    cost = CompressorCost("mini", "llmlingua2", True, Curve((100, 9000), (0.2, 0.4)), 0.1)
    reading = Curve((64, 1024), (0.1, 2.0))
    reader = ReaderCost("r", "r.gguf", 90, 8192, reading, (20.0, 9.0), {"f16": 23040}, 5.0, 32, 0.1)
    plot.of_card(Card(compressors=(cost,), readers=(reader,)), tmp_path / "card.svg")
    told = (tmp_path / "card.svg").read_text(encoding="utf-8")
    assert "mini, sooner from" in told
    assert "1024 cells" in told
