"""The service for boards: systemd takes it, and the server its options."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from edgelingua.cli.app import app
from tests.conftest import ROOT

BOARD = ROOT / "examples" / "board"
BOARDS = sorted(BOARD.glob("*.conf"))


@pytest.mark.parametrize("board", BOARDS, ids=[board.stem for board in BOARDS])
def test_the_server_takes_the_options_of_each_board(board: Path) -> None:
    text = board.read_text(encoding="utf-8")
    (options,) = re.findall(r'^Environment="OPTIONS=(.*)"$', text, re.MULTILINE)
    serve = typer.main.get_command(app).get_command(  # type: ignore[attr-defined]
        None, "serve"
    )
    given = serve.make_context("serve", shlex.split(options)).params
    assert given["cap"] >= 512
    assert re.search(r"^MemoryMax=\d+[MG]$", text, re.MULTILINE)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("board", BOARDS, ids=[board.stem for board in BOARDS])
def test_systemd_has_nothing_to_say(board: Path, tmp_path: Path) -> None:
    text = (BOARD / "edgelingua.service").read_text(encoding="utf-8")
    unit = tmp_path / "edgelingua.service"
    unit.write_text(text.replace("/opt/edgelingua/bin/edgelingua", sys.executable))  # is there
    (tmp_path / "edgelingua.service.d").mkdir()
    shutil.copy(board, tmp_path / "edgelingua.service.d" / "board.conf")
    command = ["systemd-analyze", "verify", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
