"""Every benchmark can be asked what it does, and the page of them names each one."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from edgelingua.errors import MissingExtraError
from tests.conftest import ROOT

FOLDER = ROOT / "benchmarks"
FILES = sorted(path for path in FOLDER.rglob("*.py"))
SCRIPTS = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in FILES
    if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")
]
HOMES = {"benchmarks": "", "edgelingua": "runtime", "edgelingua_export": "export", "tests": ""}


def imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Modules, and what is taken from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "__name__") for alias in node.names)


def there(path: Path) -> bool:
    return path.is_dir() or path.with_suffix(".py").is_file()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_what_a_benchmark_imports_of_ours_is_there(path: Path) -> None:
    for module, name in imported(ast.parse(path.read_text(encoding="utf-8"))):
        parts = module.split(".")
        if parts[0] in HOMES:
            place = ROOT.joinpath(HOMES[parts[0]], *parts)
            assert there(place), module
            with suppress(ImportError, MissingExtraError):  # of what is not light
                assert there(place / name) or hasattr(importlib.import_module(module), name)


@pytest.mark.skipif(sys.platform == "win32", reason="the benchmarks need a POSIX system")
@pytest.mark.parametrize("name", SCRIPTS)
def test_help_says_what_a_benchmark_does(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    try:
        script = importlib.import_module(name)
    except (ImportError, MissingExtraError) as error:
        pytest.skip(f"needs what is not light: {error}")
    with pytest.raises(SystemExit) as left:
        script.main()
    assert left.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert " ".join((script.__doc__ or "").splitlines()[0].split()) in shown


def test_the_page_of_benchmarks_has_each_script_once() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"python -m (benchmarks\.[\w.]+)", page)
    assert sorted(named) == sorted(SCRIPTS)


@pytest.mark.parametrize("page", ["README.md", "docs", "benchmarks", "models", "CONTRIBUTING.md"])
def test_commands_of_benchmarks_on_a_page_exist(page: str) -> None:
    place = ROOT / page
    for path in [place] if place.is_file() else place.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert "python benchmarks/" not in text, f"{path}: benchmarks run as python -m benchmarks.…"
        for name in re.findall(r"python -m (benchmarks(?:\.\w+)+)", text):
            assert name in SCRIPTS, f"{path}: {name}"
