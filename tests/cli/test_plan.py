"""``edgelingua plan`` and what it is told: times, sizes, lengths."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from edgelingua.cli import quantities
from edgelingua.cli.app import app
from tests.planner.cards import card, compressor, reader


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["plan", *arguments])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGELINGUA_HOME", str(tmp_path))
    made = card(reader(0.01), compressors=(compressor(0.001),))
    made.write(tmp_path / "card.json")
    return tmp_path


def test_it_says_what_to_take_and_why() -> None:
    done = run("--context", "4k", "--max-ttft", "15s", "--max-memory", "600MB")
    assert done.exit_code == 0
    assert "0.2: 4,096 tokens become 819 by mini" in done.stdout
    assert "after 12.69 s: compress 4.10 s, read 8.59 s" in done.stdout
    assert "not small, rate 0.33 by mini" in done.stderr


def test_it_says_so_where_nothing_does() -> None:
    done = run("--context", "4k", "--max-ttft", "1ms", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["chosen"] is None
    assert "nothing meets these limits" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("--context", "many"), ("--context", "0"), ("--context", "4k", "--max-ttft", "2 hours")],
)
def test_what_is_no_quantity_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(("--rate", "fast"), "auto"), (("--rate", "0.5", "--max-ttft", "2s"), "--rate auto"),
     (("--rate", "auto", "--tokens", "40"), "not both")],
)  # fmt: skip
def test_rates_that_run_refuses(arguments: tuple[str, ...], told: str) -> None:
    done = CliRunner().invoke(app, ["run", "--question", "Who?", *arguments], input="It rained.")
    assert done.exit_code == 2
    assert told in " ".join(done.stderr.split())


def test_quantities() -> None:
    assert [quantities.seconds(text) for text in ("2s", "500 ms", "1.5", "2min")] == [
        2, 0.5, 1.5, 120,
    ]  # fmt: skip
    assert [quantities.megabytes(text) for text in ("600MB", "1.5gb", "64")] == [600, 1500, 64]
    assert [quantities.tokens(text) for text in ("16k", "4000", "0.5K")] == [16384, 4000, 512]
    for text in ("", "-1s", "1e9", "nan", "s", "0ms", "1 s s", "٣s"):
        with pytest.raises(typer.BadParameter):
            quantities.seconds(text)
