"""``edgelingua index``, and ``compress --index``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgelingua.bundle.bundle import ModelBundle
from tests.cli.test_cli import edgelingua
from tests.conftest import DOCUMENT

QUESTION = "Which city had a devastating fire?"


@pytest.mark.long
def test_a_text_is_indexed_once_and_asked_about(
    sentence_bundle: ModelBundle, tmp_path: Path
) -> None:
    path, model = tmp_path / "text.npz", ("--model", sentence_bundle.folder)
    done = edgelingua("index", DOCUMENT, "-o", path, *model, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["bytes"] == path.stat().st_size
    asked = ("--question", QUESTION, "--tokens", "300", *model)
    alone = edgelingua("compress", "--index", path, *asked)
    assert alone.returncode == 0, alone.stderr
    assert alone.stdout.endswith(QUESTION)
    assert "cpc" in alone.stderr
    assert edgelingua("compress", DOCUMENT, "--index", path, *asked).stdout == alone.stdout


def test_the_text_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("A text.")
    done = edgelingua("index", path, "-o", path)
    assert done.returncode == 2
    assert "the text is in this file" in " ".join(done.stderr.split())
    assert path.read_text() == "A text."


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["compress", "--index", "no.npz", "--question", "Who?"], 1, "no.npz: cannot be read"),
        (["compress", "--index", "no.npz", "--method", "bm25"], 2, "not for bm25"),
        (["index", "none.txt", "-o", "x.npz"], 1, "none.txt: cannot be read"),
        (["index", DOCUMENT], 2, "-o"),
    ],
)
def test_what_cannot_be_indexed_or_looked_up(
    arguments: list[str | Path], code: int, said: str
) -> None:
    done = edgelingua(*arguments)
    assert done.returncode == code
    assert said in " ".join(done.stderr.split())
