"""The command ``llm`` with our plugin, which it finds by the entry point of the package."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from edgelingua.errors import EdgeLinguaError
from edgelingua.integrations.llm import compress

from ..conftest import DOCUMENT, ROOT
from .conftest import ANSWER, QUESTION

LLM = """
import llm, llm.cli, llm.plugins, {plugin}

class Echo(llm.Model):
    model_id = "echo"
    can_stream = False

    def execute(self, prompt, stream, response, conversation):
        yield prompt.prompt

class Models:
    @llm.hookimpl
    def register_models(self, register):
        register(Echo())

llm.plugins.pm.register({plugin})
llm.plugins.pm.register(Models())
llm.cli.cli()
"""
"""`llm` with our plugin, and with a model that says what it is asked."""


def test_llm_asks_with_what_answers(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    script = LLM.format(plugin=project["entry-points"]["llm"]["edgelingua"])
    own = {"LLM_USER_PATH": str(tmp_path), "LLM_LOAD_PLUGINS": ""}
    done = subprocess.run(
        [sys.executable, "-c", script, "-m", "echo", "-f", f"compress:200:{DOCUMENT}", QUESTION],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | own,
    )
    assert done.returncode == 0, done.stderr
    assert ANSWER in done.stdout, "it is compressed in the light of the prompt"
    assert done.stdout.rstrip().endswith(QUESTION)
    assert len(done.stdout) < 1500


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("nothing.txt", "No such file"),
        (f"0:{DOCUMENT}", "a budget of 0 tokens: expected at least 1"),
        (f"1.5:{DOCUMENT}", "a rate of 1.5"),
        ("", "expected compress:FILE"),
    ],
)
def test_it_says_what_is_wrong(argument: str, told: str) -> None:
    with pytest.raises((EdgeLinguaError, OSError), match=told):
        compress(argument)


def test_a_fragment_names_its_source(tmp_path: Path) -> None:
    file = tmp_path / "10:30.txt"
    file.write_text("The tribunal at Geneva awarded $15,500,000 in gold.", encoding="utf-8")
    fragment = compress(f"1.0:{file}")
    assert str(fragment) == file.read_text("utf-8")
    assert fragment.source == f"compress:1.0:{file}"
