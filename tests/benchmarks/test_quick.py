"""The benchmarks' scripts run, and make the tables that are checked in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks import quick
from benchmarks.quality.sets import draw

from tests.benchmarks.test_scripts import SCRIPTS
from tests.conftest import ROOT


def test_what_is_run_is_there() -> None:
    names = [*quick.TABLES, *(line.split()[0] for line in quick.MEASUREMENTS)]
    assert {f"benchmarks.{name}" for name in names} <= set(SCRIPTS)


def test_the_texts_hold_their_answers(tmp_path: Path) -> None:
    quick.data(tmp_path)
    cases = draw("squad", tmp_path, 10)
    assert len(cases) == len(quick.QUESTIONS)
    assert all(case.answers[0] in case.passages[0] for case in cases)


def test_a_table_that_differs_is_found(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks" / "kv" / "summary.md"
    page.parent.mkdir(parents=True)
    page.write_bytes((ROOT / "benchmarks" / "kv" / "summary.md").read_bytes())
    assert quick.same(tmp_path, "kv/summary.md")
    page.write_text("others", encoding="utf-8")
    assert not quick.same(tmp_path, "kv/summary.md")


@pytest.mark.slow
@pytest.mark.usefixtures("gguf")
def test_the_smallest_case_of_each_runs() -> None:
    before = {p: p.stat().st_mtime_ns for p in (ROOT / "benchmarks").rglob("*.[jm]*")}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert before == {p: p.stat().st_mtime_ns for p in (ROOT / "benchmarks").rglob("*.[jm]*")}
