"""`make` stops before pip does where nothing can compile llama-cpp-python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts as compilers")


def check(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the check with the programs of a folder, in a Python without packages: without pip."""
    command = [sys.executable, "-S", str(ROOT / "scripts" / "compiler.py"), str(path)]
    environment |= {"PATH": str(path)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def test_no_compiler(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert done.returncode == 1
    assert "apt install g++" in done.stderr
    assert "minutes" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["c++", "g++", "clang++"])
def test_a_compiler(tmp_path: Path, name: str) -> None:
    program(tmp_path / name, "exit 0")
    assert check(tmp_path).returncode == 0


def test_the_users_own_compiler(tmp_path: Path) -> None:
    program(tmp_path / "icpx", "exit 0")
    assert check(tmp_path).returncode == 1
    assert check(tmp_path, CXX="icpx -O3").returncode == 0


def test_what_only_says_where_to_get_one(tmp_path: Path) -> None:
    program(tmp_path / "c++", "echo 'no developer tools were found'; exit 1")
    assert check(tmp_path).returncode == 1
