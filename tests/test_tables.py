"""What has a row in a table is in the contracts and the public names too, and nothing else is."""

from __future__ import annotations

import tomllib
from typing import Any

import edgelingua.kv.policies
import edgelingua.scorers
from edgelingua.compressors import METHODS, REWRITERS
from edgelingua.kv.policies import POLICIES, WRAPPERS
from tests.conftest import ROOT

RUNTIME = ROOT / "runtime" / "edgelingua"


def independent(name: str) -> set[str]:
    """Modules of an independence contract in pyproject.toml."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    [modules] = [contract["modules"] for contract in contracts if contract["name"] == name]
    return set(modules)


def files(folder: str) -> set[str]:
    """Modules that lie in a package themselves."""
    return {path.stem for path in (RUNTIME / folder).glob("*.py")} - {"__init__"}


def test_a_method_is_a_file_a_row_and_independent() -> None:
    names = {*METHODS, *REWRITERS}
    assert files("compressors") == names
    modules = {f"edgelingua.compressors.{name}" for name in names}
    assert independent("Compressors do not import each other") == modules


def test_a_scorer_is_independent() -> None:
    public = (getattr(edgelingua.scorers, name) for name in edgelingua.scorers.__all__)
    assert independent("Scorers do not import each other") == {one.__module__ for one in public}


def test_a_policy_is_a_file_a_row_and_public() -> None:
    made = {type(info.make()) for info in POLICIES.values()}
    wrappers = {info.make for info in WRAPPERS.values()}
    modules = {f"edgelingua.kv.policies.{name}" for name in files("kv/policies")}
    assert {one.__module__ for one in made | wrappers} == modules
    assert {one.__name__ for one in made | wrappers} <= set(edgelingua.kv.policies.__all__)
