"""Works that are killed at random moments; `benchmarks.reliability.kills` does it more often."""

from __future__ import annotations

from pathlib import Path

import pytest

from .kills import WORKS, kill_often


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKS)
def test_kills_damage_nothing_and_leave_nothing(name: str, tmp_path: Path) -> None:
    report = kill_often(name, 4, tmp_path)
    assert report["left"] == []
    assert report["left_by_kills"], "no kill came while something was half done"
