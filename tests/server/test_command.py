from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.llama


def serve(*options: str, hide: str = "") -> subprocess.CompletedProcess[str]:
    script = f"import sys; sys.modules.update(dict.fromkeys({hide.split()!r}))\n"
    script += "from edgelingua.__main__ import main; main()"
    command = [sys.executable, "-c", script, "serve", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_others_are_not_let_in_without_a_key() -> None:
    done = serve("--host", "0.0.0.0")
    assert done.returncode == 2
    assert "API key" in done.stderr


def test_an_empty_key_is_none() -> None:
    done = serve("--api-key", " ")
    assert done.returncode == 2
    assert "empty" in done.stderr


def test_a_missing_extra_is_named_with_its_command() -> None:
    done = serve(hide="uvicorn")
    assert done.returncode == 1
    assert "pip install 'edgelingua[server]'" in done.stderr
