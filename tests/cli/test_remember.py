"""``edgelingua remember``, and ``--memory`` of ``run`` and ``chat``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_cli import edgelingua
from tests.conftest import DOCUMENT, ROOT


@pytest.mark.long
def test_a_text_is_remembered_once_and_asked_about(gguf: Path, tmp_path: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    at = text.index("devastating fire")
    (tmp_path / "text.txt").write_text(text[max(0, at - 700) : at + 300], encoding="utf-8")
    path, reader = tmp_path / "fire.soft", ("--reader", gguf)
    adapter = ROOT / "models" / "edgelingua-memory" / "keep"
    done = edgelingua(
        "remember", tmp_path / "text.txt", "--cells", "24", "--adapter", adapter, "-o", path,
        *reader, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["cells"], told["bytes"]) == (24, path.stat().st_size)
    asked = ("--memory", path, "--question", "Which city had a devastating fire?", *reader)
    answered = edgelingua("run", *asked, "--cap", "200", "--max-tokens", "12", "--json")
    assert answered.returncode == 0, answered.stderr
    answer = json.loads(answered.stdout)
    assert "Boston" in answer["answer"]
    assert answer["statistics"]["cells_used"] <= 200
    chat = edgelingua("chat", "--memory", path, *reader, "--cap", "160", "--max-tokens", "8",
                      stdin="Which city had a devastating fire?\n")  # fmt: skip
    assert chat.returncode == 0, chat.stderr
    assert chat.stdout.strip()
    small = edgelingua("run", *asked, "--cap", "40")
    assert small.returncode == 1
    assert "a cap of 40 cells is too small" in small.stderr


def test_the_text_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("A text.")
    done = edgelingua("remember", path, "--cells", "2", "-o", path)
    assert done.returncode == 2
    assert "the text is in this file" in " ".join(done.stderr.split())
    assert path.read_text() == "A text."


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["remember", "none.txt", "--cells", "8", "-o", "x.soft"], 1, "none.txt: cannot be read"),
        (["remember", DOCUMENT, "--cells", "0", "-o", "x.soft"], 2, "--cells"),
        (["remember", DOCUMENT, "--cells", "8"], 2, "-o"),
        (["run", "--memory", "no.soft", "--question", "Who?"], 1, "no.soft: cannot be read"),
        (["run", "--memory", DOCUMENT, "--question", "Who?"], 1, "damaged, or not a memory"),
        pytest.param(
            ["chat", "--memory", "no.soft"], 1, "no.soft: cannot be read", marks=pytest.mark.llama
        ),
        pytest.param(
            ["chat", "--memory", "no.soft", "--load", "no"],
            2,
            "--memory beside --load",
            marks=pytest.mark.llama,
        ),
    ],
)
def test_what_cannot_be_remembered(arguments: list[str | Path], code: int, said: str) -> None:
    done = edgelingua(*arguments)
    assert done.returncode == code
    assert said in " ".join(done.stderr.split())
