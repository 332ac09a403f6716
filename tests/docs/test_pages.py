"""What the documentation shows works: links lead somewhere, blocks run, output is as shown.

A block runs unless a comment before it says why not (``<!-- not run: … -->``); then it is compiled,
type-checked, and its options are looked up all the same. Blocks of a page share one Python session
and one folder. A ``text`` block right behind another is what that prints.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stdout
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest
import typer

import edgelingua
from edgelingua import errors
from edgelingua.cli.app import app
from edgelingua_export.cli import app as export_app

from ..conftest import DOCUMENT, ROOT
from .pages import NAMES, PAGES, Block, blocks, commands, needs_reader

_LINK = re.compile(r'(?:\]\(|src=")(?!\w+:)([^()"\s#]*)(?:#([^()"\s]+))?')
_TIME = re.compile(r"\d[\d.,]*(?= (s|ms|MB|tokens/s)\b)")
_TOLERANCE = 0.8
"""Share of the words that must be as shown: another CPU's INT8 kernels round otherwise."""


def _marked(page: Path) -> Any:
    name = page.relative_to(ROOT).as_posix()
    marks = [pytest.mark.llama] if needs_reader(page) else []
    marks += [pytest.mark.long] if name == "docs/compress.md" else []
    marks += [pytest.mark.frameworks] if name == "docs/frameworks.md" else []
    return pytest.param(page, id=name, marks=marks)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link, anchor in _LINK.findall(text):
        target = page.parent / link if link else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in _anchors(target), f"{page.name}: {link}#{anchor}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", h).strip().lower()) for h in headings}


@pytest.fixture
def one_core() -> Iterator[None]:
    """Threads that wait for each other crawl on a busy machine: one core, one thread."""
    if sys.platform != "linux":
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    yield
    os.sched_setaffinity(0, cores)


@pytest.mark.usefixtures("one_core")
@pytest.mark.long
@pytest.mark.parametrize("page", [_marked(page) for page in PAGES if blocks(page)])
def test_a_page_does_what_it_shows(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if needs_reader(page):
        request.getfixturevalue("gguf")
    else:  # without a reader, tokens are counted by the compressor
        monkeypatch.setenv("EDGELINGUA_HOME", str(tmp_path / "home"))
    folder = tmp_path / "folder"
    shutil.copytree(DOCUMENT.parent, folder / "examples" / "data")
    if "models/edgelingua-memory/keep" in page.read_text("utf-8"):
        adapter = Path("models") / "edgelingua-memory" / "keep"
        shutil.copytree(ROOT / adapter, folder / adapter)
    monkeypatch.chdir(folder)
    session: dict[str, Any] = {"__name__": page.stem}
    for block in blocks(page):
        if block.language == "python":
            code = compile(block.python, page, "exec")
            if block.why is None:
                printed = io.StringIO()
                with redirect_stdout(printed):
                    exec(code, session)
                _check(block, block.shown, printed.getvalue())
        elif block.language in ("sh", "console") and block.why is None:
            for words, shown in block.commands:
                if words and words[0] in ("edgelingua", "edgelingua-export"):
                    _check(block, shown, _run(words))


def _run(words: list[str]) -> str:
    module = words[0].replace("-", "_")
    environment = os.environ | {"COLUMNS": "120", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-m", module, *words[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env=environment,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}"
    return done.stdout


def _check(block: Block, shown: str | None, printed: str) -> None:
    """Compare what was printed with what the page shows; one line ``…`` stands for any others."""
    if shown is None:
        return
    head, elided, tail = shown.partition("…\n")
    lines = printed.splitlines(keepends=True)
    if elided:
        first, last = len(head.splitlines()), len(tail.splitlines())
        printed = "".join(lines[:first] + lines[len(lines) - last :])
    expected, got = (_TIME.sub("T", text).split() for text in (head + tail, printed))
    alike = SequenceMatcher(None, expected, got, autojunk=False).ratio()
    assert alike >= _TOLERANCE, f"line {block.line} shows\n{shown}\nand it prints\n{printed}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_and_their_options_exist(page: Path) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for named in re.findall(r"edgelingua\[([\w,]+)\]", page.read_text("utf-8")):
        assert set(named.split(",")) <= set(extras["optional-dependencies"]), named
    for words in commands(page):
        if words[0] == "make":
            assert words[1] in targets
        for name, of in (("edgelingua", app), ("edgelingua-export", export_app)):
            if words[0] == name:
                command: Any = typer.main.get_command(of)
                rest = words[1:]
                while rest and hasattr(command, "commands"):
                    assert rest[0] in command.commands, f"{page.name}: {' '.join(words)}"
                    command, rest = command.commands[rest[0]], rest[1:]
                known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
                given = {word for word in rest if re.match(r"--?[a-z]", word)}
                assert given <= known, f"{page.name}: {' '.join(words)}"


def test_python_passes_mypy(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    for name, page in zip(NAMES, PAGES, strict=True):
        code = ""
        for block in blocks(page):
            if block.language == "python":  # each on the lines where the page has it
                code += block.python[code.count("\n") :]
        if code:
            (tmp_path / (re.sub(r"\W", "_", name) + ".py")).write_text(code, encoding="utf-8")
    files = sorted(map(str, tmp_path.glob("*.py")))
    mypy = [sys.executable, "-m", "mypy", *files]
    done = subprocess.run(mypy, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


def test_every_public_name_has_its_place_in_the_api() -> None:
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs" / "api").glob("*.md"))
    listed = set(re.findall(r"^::: edgelingua\.(?:errors\.)?(\w+)$", pages, re.MULTILINE))
    assert set(edgelingua.__all__) <= listed | set(vars(errors))


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_tables_are_those_of_the_benchmarks(page: Path) -> None:
    """``<!-- benchmarks/….md -->`` before a table: each of its rows stands in that file."""
    source = re.compile(r"<!-- (benchmarks/\S+\.md) -->\n((?:\|.+\n)+)")
    for file, table in source.findall(page.read_text("utf-8")):
        rows = set((ROOT / file).read_text("utf-8").splitlines())
        for row in table.splitlines():
            assert row in rows, f"{file} has no row {row}"


def test_the_page_of_the_command_line_says_what_help_says() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "cli_page.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
