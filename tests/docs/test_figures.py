"""Tables in the pages are those that the benchmarks made."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from ..conftest import ROOT
from .pages import NAMES, PAGES

FIGURES = runpy.run_path(str(ROOT / "scripts" / "figures.py"))
MARK = "<!-- benchmarks/t.md -->\n"
SOURCE = """\
# Figures

## One

| method | asks | figure, n = 9 |
|---|---|---|
| mini | yes | 9 |
| mini | no | 8 |
| nano | no | 7 |

## Two

| method | asks | figure, n = 5 |
|---|---|---|
| mini | yes | 1 |
"""


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_page_has_the_figures_of_the_benchmarks(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert FIGURES["with_figures"](text) == text, "python scripts/figures.py puts them there"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A repository with one table of results."""
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "t.md").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def test_rows_that_a_page_shows_get_their_figures(made: Path) -> None:
    rows = "| nano | no | 0 |\n| mini | no | 0 |\n"
    page = f"{MARK}| method | asks | figure, n = 2 |\n|---|---|---|\n{rows}"
    assert FIGURES["with_figures"](f"Text.\n\n{page}\nMore.", made) == (
        f"Text.\n\n{MARK}| method | asks | figure, n = 9 |\n|---|---|---|\n"
        "| nano | no | 7 |\n| mini | no | 8 |\n\nMore."
    )


def test_a_heading_chooses_the_table(made: Path) -> None:
    mark = '<!-- benchmarks/t.md, "Two" -->\n'
    page = f"{mark}| method | asks | n |\n|---|---|---|\n| mini | yes | 0 |\n"
    assert "| mini | yes | 1 |" in FIGURES["with_figures"](page, made)
    with pytest.raises(SystemExit, match="no such heading"):
        FIGURES["with_figures"](page.replace("Two", "Three"), made)


def test_a_mark_without_a_table_gets_all_of_it(made: Path) -> None:
    assert FIGURES["with_figures"](MARK, made).count("\n") == 6


def test_a_row_that_is_no_more_is_said(made: Path) -> None:
    page = f"{MARK}| method | asks | n |\n|---|---|---|\n| micro | yes | 0 |\n"
    with pytest.raises(SystemExit, match="micro"):
        FIGURES["with_figures"](page, made)
    with pytest.raises(SystemExit, match="no table begins"):
        FIGURES["with_figures"](f"{MARK}| model | n |\n|---|---|\n", made)
