"""What contributors are told is so: CONTRIBUTING.md, CHANGELOG.md, templates and workflows."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml

import edgelingua
from edgelingua import Budget, Prompt
from edgelingua.kv.policies import Policy
from edgelingua.kv.state import Cells
from tests.conftest import DOCUMENT, ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TREE = runpy.run_path(str(ROOT / "scripts" / "tree.py"))
CHANGES = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_tree_is_that_of_the_repository() -> None:
    assert TREE["with_tree"](PAGE) == PAGE, "python scripts/tree.py writes it anew"
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    there = {p.name for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith(".")}
    assert there - {line.rstrip("/") for line in ignored} == set(TREE["FOLDERS"])


def test_what_to_run_is_there() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?make ([\w-]+)", PAGE)) <= targets
    for path in re.findall(r"`((?:runtime|tests|benchmarks|requirements)/[\w./-]+)`", PAGE):
        assert (ROOT / path.removesuffix("NAME.py")).exists(), path
    for path in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (ROOT / path).exists(), path


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The modules that the page shows; what is further down may be imported by what is above."""
    sources = re.findall(r"^ *```python\n(.*?)^ *```$", PAGE, re.DOTALL | re.MULTILINE)
    names = ["edgelingua.compressors.longest", "edgelingua.scorers.length", "values"]
    made = {}
    for name, source in reversed(list(zip(names, sources, strict=True))):
        module = made[name] = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec("\n".join(line[3:] for line in source.splitlines()), module.__dict__)
    return made


def test_the_new_method_and_scorer_work(toys: dict[str, ModuleType]) -> None:
    compressor = toys["edgelingua.compressors.longest"].make()
    text = DOCUMENT.read_text(encoding="utf-8")[:2000]
    kept = compressor.compress(Prompt.build(text), Budget(rate=0.3))
    assert kept.tokens_out <= kept.limit < kept.tokens_in
    lengths = [np.mean([len(word) for word in part.split()]) for part in (kept.text, text)]
    assert lengths[0] > lengths[1]


def test_the_new_policy_works(toys: dict[str, ModuleType]) -> None:
    policy: Policy = toys["values"].VNorm()
    values = np.random.default_rng(0).standard_normal((3, 50, 2, 8)).astype(np.float32)
    values[:, 40] *= 9
    cells = Cells().appended(np.arange(50, dtype=np.int32)).view({"values": values})
    assert policy.scores(cells).argmax() == 40
    assert policy.protected(cells)[0]


def test_the_version_has_its_changes() -> None:
    heads = re.findall(r"^## (.*)$", CHANGES, re.MULTILINE)
    released = [re.fullmatch(r"(\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)", head) for head in heads[1:]]
    assert heads[0] == "Unreleased"
    assert all(released)
    versions = [tuple(map(int, one[1].split("."))) for one in released if one]
    assert versions == sorted(versions, reverse=True)
    assert edgelingua.__version__ == ".".join(map(str, versions[0]))
    kinds = set(re.findall(r"^### (.*)$", CHANGES, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_workflow_runs_every_python_on_every_system() -> None:
    matrix = read(ROOT / ".github/workflows/test.yml")["jobs"]["light"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    kinds = {(name.split("-")[0], name.endswith("-arm")) for name in matrix["runner"]}
    assert kinds >= {("ubuntu", False), ("ubuntu", True), ("windows", False), ("windows", True)}
    assert {"macos-15", "macos-15-intel"} <= set(matrix["runner"])  # ARM, and x86-64


@pytest.mark.parametrize("name", ["bug", "feature", "model"])
def test_an_issue_is_asked_what_is_needed(name: str) -> None:
    form = read(ROOT / f".github/ISSUE_TEMPLATE/{name}.yml")
    fields = {field["id"]: field for field in form["body"]}
    assert all(field["attributes"]["label"] for field in fields.values())
    assert any(field.get("validations", {}).get("required") for field in fields.values())
    if name != "feature":
        assert "edgelingua doctor --json" in fields["doctor"]["attributes"]["label"]
