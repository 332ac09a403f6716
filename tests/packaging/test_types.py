"""Type checkers understand the installed package: a program of a user has no error."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

PROGRAM = Path(__file__).with_name("user_program.py")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the wheel, and nothing of this repository."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("outside")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv")
    (site,) = (folder / "venv").glob("[Ll]ib/**/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return next((folder / "venv").glob("[bS]*/python*"))


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_program_of_a_user_is_typed(checker: str, python: Path, tmp_path: Path) -> None:
    program = shutil.copy(PROGRAM, tmp_path)
    if checker == "mypy":
        pytest.importorskip("mypy")
        command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python)]
    elif found := shutil.which("pyright"):
        command = [found, "--pythonpath", str(python)]
    else:
        pytest.skip("pyright is not installed")
    done = subprocess.run(
        [*command, str(program)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
