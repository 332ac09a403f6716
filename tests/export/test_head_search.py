"""The search for evaluator heads: a head that looks at answers is found, whatever the others do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from edgelingua_export.attention_outputs import parse_heads
from edgelingua_export.cli import app
from edgelingua_export.errors import ExportError
from edgelingua_export.head_search import Looked, cases, choose
from edgelingua_export.train.labels import Example, Mark


def silent(_: str) -> None:
    pass


@given(st.integers(0, 3), st.integers(0, 2), st.integers(0, 99))
def test_a_head_that_looks_at_answers_is_found(layer: int, head: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    looked: list[Looked] = []
    for _ in range(20):
        weights = rng.random((4, 3, 200), dtype=np.float32) * np.float32(0.005)
        answer = np.arange(3) + int(rng.integers(40, 160))
        weights[layer, head, answer] = np.float32(0.3)
        looked.append((weights, answer))
    found = choose(looked, silent)
    assert (layer, head) in found.heads
    assert max(found.survival.values()) == 100


def test_cases_hold_their_answers() -> None:
    examples = [
        Example(f"Ann{n} lives in {town}.", (Mark(14, 14 + len(town), 1.0),), f"Where? {n}", "", "")
        for n, town in enumerate(("Rome", "Oslo", "Bonn", "Cork", "Lyon"))
    ]
    made = cases(examples, 5, seed=0)
    for case in made:
        [(start, end)] = case.answers
        assert case.text[start:end] in {"Rome", "Oslo", "Bonn", "Cork", "Lyon"}
        assert case.text.count("lives in") == 2
    with pytest.raises(ExportError, match="expected 4 or more"):
        cases(examples[:3], 5, seed=0)


def test_the_command_prints_heads_that_build_takes(
    tiny_lm: Path, tmp_path: Path, one_thread: None
) -> None:
    rows = [
        {
            "context": f"The {thing} costs {price} pounds, and nobody buys it.",
            "qas": [{"question": f"What does the {thing} cost?", "answer": f"{price} pounds"}],
        }
        for thing, price in zip(
            ("lamp", "door", "bell", "coat", "desk"), range(11, 16), strict=True
        )
    ]
    data = tmp_path / "questions.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = ["heads", str(tiny_lm), "--data", str(data), "--cases", "5"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert parse_heads(result.stdout.strip().splitlines()[-1])
    result = CliRunner().invoke(app, [*command, "--layers", "3"])
    assert result.exit_code != 0
    assert "expected 1 to 2" in str(result.exception) + result.output
