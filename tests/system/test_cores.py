"""Threads by the cores that may be used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.system.cores import MOST, available_cores, physical_cores, quota


def test_threads_of_one_core_count_once(tmp_path: Path) -> None:
    for cpu, siblings in enumerate(("0,4", "1,5", "2-3", "2-3", "0,4", "1,5")):
        topology = tmp_path / f"cpu{cpu}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(siblings + "\n")
    assert physical_cores(set(range(6)), tmp_path) == 3
    assert physical_cores({0, 1, 2}, tmp_path) == 3
    assert physical_cores({0, 4}, tmp_path) == 1
    assert physical_cores({6, 7}, tmp_path) == 2  # the system does not say


@given(time=st.integers(1000, 2_000_000), period=st.integers(1000, 1_000_000))
def test_a_quota_is_rounded_up(
    time: int, period: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("groups")
    own = root / "own"
    own.write_text("0::/\n")
    (root / "cpu.max").write_text(f"{time} {period}\n")
    found = quota(root, own)
    assert found is not None
    assert found - 1 < time / period <= found


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/a/b\n", {"a/cpu.max": "150000 100000", "a/b/cpu.max": "max 100000"}, 2),
        ("0::/a/b\n", {"a/cpu.max": "400000 100000", "a/b/cpu.max": "50000 100000"}, 1),
        ("0::/a\n", {"a/cpu.max": "max 100000"}, None),
        ("0::/gone\n", {"cpu.max": "300000 100000"}, 3),  # a container's own is the topmost
        (
            "4:cpu,cpuacct:/x\n1:memory:/x\n",
            {"cpu,cpuacct/x/cpu.cfs_quota_us": "250000", "cpu,cpuacct/x/cpu.cfs_period_us": "1000"},
            250,
        ),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "5", "cpu/cpu.cfs_period_us": "0"}, None),
        ("0::/../../elsewhere\n", {"cpu.max": "100000 100000"}, 1),
        ("", {}, None),
    ],
)
def test_quotas_of_control_groups(
    tmp_path: Path, own: str, files: dict[str, str], expected: int | None
) -> None:
    (tmp_path / "own").write_text(own)
    for name, text in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    assert quota(tmp_path / "groups", tmp_path / "own") == expected


def test_without_control_groups_there_is_no_quota(tmp_path: Path) -> None:
    assert quota(tmp_path, tmp_path / "missing") is None


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_affinity_is_heeded() -> None:
    code = (
        "import os; from edgelingua.system.cores import available_cores;"
        "before = available_cores(); os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "print(before, available_cores())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert 1 == after <= before <= MOST


def test_there_is_a_core() -> None:
    assert 1 <= available_cores() <= MOST
