"""Results older than the code that they measure are found, and nothing else is."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from benchmarks import freshness
from benchmarks.common.code import digest
from benchmarks.common.machine import machine, noted

from tests.conftest import ROOT

BEFORE = '"""What it does."""\n\n\ndef double(x: int) -> int:\n    return 2 * x\n'


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A module of a runtime, as it was measured."""
    path = tmp_path / "runtime" / "edgelingua" / "budget.py"
    path.parent.mkdir(parents=True)
    path.write_text(BEFORE, encoding="utf-8")
    return path


def test_all_that_rows_depend_on_is_there() -> None:
    for each in freshness.measures():
        assert any(list(freshness.HERE.glob(pattern)) for pattern in each.rows), each.rows
        for table in each.tables:
            assert (freshness.HERE / table).exists(), table
        for part in each.code:
            assert digest(part), part


@pytest.mark.parametrize(
    ("now", "same"),
    [
        (BEFORE.replace("What it does.", "What it does, told better."), True),
        (BEFORE.replace("    return", "    # Twice.\n    return"), True),
        (BEFORE.replace("2 * x", "(2 * x)"), True),
        (BEFORE.replace("2 * x", "3 * x"), False),
        (BEFORE.replace("double", "twice"), False),
    ],
)
def test_code_is_what_it_does(code: Path, tmp_path: Path, now: str, same: bool) -> None:
    before = digest("budget.py", tmp_path)
    code.write_text(now, encoding="utf-8")
    assert (digest("budget.py", tmp_path) == before) is same


def test_a_module_more_in_a_package_is_a_change(code: Path, tmp_path: Path) -> None:
    kv = code.parent / "kv"
    kv.mkdir()
    (kv / "one.py").write_text(BEFORE, encoding="utf-8")
    before = digest("kv", tmp_path)
    (kv / "two.py").write_text("", encoding="utf-8")
    assert digest("kv", tmp_path) != before
    assert digest("nowhere", tmp_path) == ""


def test_a_model_is_its_weights_not_its_card(tmp_path: Path) -> None:
    manifest = tmp_path / "models" / "m" / "manifest.json"
    manifest.parent.mkdir(parents=True)

    def told(**files: str) -> str:
        each = {name.replace("_", "."): {"sha256": value} for name, value in files.items()}
        manifest.write_text(json.dumps({"files": each}), encoding="utf-8")
        return digest("models/m/manifest.json", tmp_path)

    assert told(model_onnx="1", README_md="1") == told(model_onnx="1", README_md="2")
    assert told(model_onnx="1") != told(model_onnx="2")


def test_rows_are_stale_from_a_change_of_the_code_to_a_new_run(tmp_path: Path) -> None:
    stamps = tmp_path / "made.json"
    assert set(freshness.stamp(ROOT, stamps)) == set(freshness.files())
    assert not list(freshness.stale(ROOT, stamps))
    assert not freshness.stamp(ROOT, stamps), "rows that did not change keep their stamp"
    made: dict[str, dict[str, Any]] = json.loads(stamps.read_text("utf-8"))
    made["kv/recall.jsonl"]["code"]["kv"] = "of before"
    made["kv/stream.jsonl"]["rows"] = "others"
    stamps.write_text(json.dumps(made), encoding="utf-8")
    found = {each.rows: each.changed for each in freshness.stale(ROOT, stamps)}
    assert found == {"kv/recall.jsonl": ("kv",), "kv/stream.jsonl": ()}


def test_the_site_marks_tables_of_older_code(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = runpy.run_path(str(ROOT / "scripts" / "site_marks.py"))
    old = [freshness.Stale("kv/recall.jsonl", ("kv", "budget.py"), "2026-11-28")]
    monkeypatch.setattr(freshness, "stale", lambda: iter(old))
    page = "<!-- benchmarks/kv/recall.md -->\n| a |\n|---|\n| 1 |\n\nMore.\n"
    shown = marks["on_page_markdown"](page, None, None, None)
    assert shown == page.replace(
        "| 1 |\n", "| 1 |\n\n*Rows of 2026-11-28; changed since: budget, kv.*\n"
    )
    other = page.replace("kv/recall", "end_to_end/table")
    assert marks["on_page_markdown"](other, None, None, None) == other


def test_a_row_leads_to_the_machine_that_made_it(tmp_path: Path) -> None:
    noted.cache_clear()
    key = noted(tmp_path)
    assert json.loads((tmp_path / "machines.json").read_text("utf-8"))[key] == machine()
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"case": 0, "on": key}) + "\n", encoding="utf-8")
    assert freshness.machine_of(rows) == machine()["cpu"]


def test_rows_of_two_machines_name_both(tmp_path: Path) -> None:
    known = {"a": {"cpu": "One"}, "b": {"cpu": "Two"}, "c": {"cpu": "Three"}}
    (tmp_path / "machines.json").write_text(json.dumps(known), encoding="utf-8")
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"on": "b"}\n{"on": "a"}\n{"on": "b"}\n', encoding="utf-8")
    assert freshness.machine_of(rows) == "One, Two"
