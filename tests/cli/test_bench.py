"""``edgelingua bench`` measures for real: a short run, its card, its block to share."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgelingua.cli.app import app
from edgelingua.cli.bench import trials
from edgelingua.planner.card import Card, CompressorCost


def test_a_compressor_is_measured_in_its_own_process(tmp_path: Path) -> None:
    cost = trials.compressor("edgelingua-nano", "llmlingua2", True, "", 0.1)
    assert cost.curve.lengths == trials.SIZES[: len(cost.curve.lengths)]
    assert CompressorCost.parsed(json.loads(json.dumps(asdict(cost)))) == cost


@pytest.mark.long
@pytest.mark.llama
def test_a_run_leaves_a_card(gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGELINGUA_HOME", str(tmp_path))
    run = CliRunner().invoke
    done = run(app, ["bench", "--reader", str(gguf), "--seconds", "10", "--share"])
    assert done.exit_code == 0, done.stderr
    card = Card.read()
    (reader,) = card.readers
    assert reader.name == str(gguf)
    assert reader.prefill.lengths[0] == 32
    assert reader.cell_bytes["f16"] == 23_040
    assert card.compressors[0].bundle == "edgelingua-mini"
    table = (tmp_path / "card.md").read_text()
    assert table.splitlines()[0] in done.stdout
    shared = json.loads(done.stdout.split("```json\n")[1].split("\n```")[0])
    assert shared["readers"][0]["template"] == reader.template
    shown = run(app, ["bench", "--show"])
    assert shown.stdout == table
    chosen = run(app, ["plan", "--context", "1k", "--json"])
    assert json.loads(chosen.stdout)["chosen"]["reader"]["name"] == str(gguf)
