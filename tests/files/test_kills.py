"""Works that are killed at random moments; `benchmarks.reliability.kills` does it more often."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kills import WORKS, kill_often


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKS)
def test_kills_damage_nothing_and_leave_nothing(name: str, tmp_path: Path) -> None:
    assert kill_often(name, 3, tmp_path)["left"] == []
