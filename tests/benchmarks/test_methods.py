"""The table of all methods is the one that its rows make."""

from __future__ import annotations

from benchmarks.methods import table

from edgelingua.compressors import METHODS, REWRITERS
from edgelingua.compressors.parts.figures import KEPT


def test_the_page_has_the_table_of_the_rows() -> None:
    page = table.PAGE.read_text(encoding="utf-8")
    assert page.split(table.MADE)[1].split(table.END)[0] == "\n" + table.tables()


def test_the_command_has_the_figures_of_the_rows() -> None:
    rows = table.survival()
    for name in METHODS:
        assert KEPT.get(name, (None,) * 3) == tuple(table.kept(rows, name))


def test_every_method_says_when_to_use_it() -> None:
    for name, method in {**METHODS, **REWRITERS}.items():
        assert method.when, name
