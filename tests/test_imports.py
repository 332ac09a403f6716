from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.conftest import ROOT

HEAVY = ("torch", "transformers", "onnx", "optimum", "llama_cpp")
MODEL_LIBRARIES = (*HEAVY, "onnxruntime", "tokenizers", "numpy")


def loaded_after(code: str, modules: tuple[str, ...] = HEAVY) -> set[str]:
    script = f"{code}\nimport sys\nprint(*(m for m in {modules!r} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_edgelingua_loads_no_model_library() -> None:
    assert loaded_after("import edgelingua", MODEL_LIBRARIES) == set()


def test_compressing_needs_neither_torch_nor_llama_cpp() -> None:
    assert loaded_after("from edgelingua import load_compressor, PerplexityScorer, Prompt") == set()


def test_the_assistant_needs_llama_cpp_only_for_a_reader_here() -> None:
    assert loaded_after("from edgelingua import Assistant") == set()


@pytest.mark.parametrize(("module", "extra"), [("llama_cpp", "llama"), ("typer", "cli")])
def test_a_missing_extra_is_named_with_its_command(module: str, extra: str) -> None:
    start = (
        "import edgelingua.llama.model"
        if extra == "llama"
        else "import edgelingua.__main__ as m; m.main()"
    )
    script = f"import sys; sys.modules[{module!r}] = None; {start}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"pip install 'edgelingua[{extra}]'" in done.stderr


def test_a_name_of_the_last_release_still_leads_to_what_it_named() -> None:
    import edgelingua

    with pytest.warns(DeprecationWarning, match=r"edgelingua\.Conversation is now called History"):
        assert edgelingua.Conversation is edgelingua.History
    assert "Conversation" not in dir(edgelingua)


@pytest.mark.llama
def test_every_public_name_can_be_imported() -> None:
    import edgelingua

    assert dir(edgelingua) == sorted(edgelingua.__all__), "what editors offer"
    for name in edgelingua.__all__:
        assert getattr(edgelingua, name)
    with pytest.raises(AttributeError):
        _ = edgelingua.nonsense


@pytest.mark.llama
def test_what_the_pages_name_can_be_imported_or_its_place_is_shown() -> None:
    import edgelingua

    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    # Classes, as `Prompt`, `Budget(tokens=4)` and `Chat.say`; nothing in capitals only.
    named = set(re.findall(r"`([A-Z]\w*[a-z]\w*)(?=[`(.])", text))
    shown = dict.fromkeys(re.findall(r"(?m)^from (edgelingua[\w.]*) import", text))
    places = [edgelingua, *(import_module(module) for module in shown)]
    assert len(named) > 5
    assert not {name for name in named if not any(hasattr(place, name) for place in places)}


def test_torch_is_loaded_where_torch_is_tested() -> None:
    """By the tests of the export, and by those that compare llama.cpp with it."""
    tests = ROOT / "tests"
    files = {path.relative_to(tests).as_posix() for path in tests.rglob("test_*.py")}
    loading = {file for file in files if {"torch", "transformers"} & at_import(tests / file)}
    elsewhere = {file for file in loading if not file.startswith("export/")}
    assert loading - elsewhere
    assert elsewhere == {"llama/test_architectures.py", "llama/test_policy_parity.py"}


def at_import(path: Path) -> set[str]:
    """Packages that a file loads when it is imported."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found
