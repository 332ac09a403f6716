"""Write the tree of CONTRIBUTING.md anew: what each folder and module says of itself, a line each.

    python scripts/tree.py

A line is the first one of a docstring, so that it is written once; a test compares them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- made by scripts/tree.py -->\n```text\n", "```\n<!-- end -->\n"
RUNTIME, EXPORT = "runtime/edgelingua", "export/edgelingua_export"
FOLDERS = {
    "benchmarks": "Scripts that measured what the docs say, their raw results and tables",
    "docs": "Pages of the documentation",
    "examples": "A demo, a quick start, a desktop app, a service for boards, a recipe to fine-tune",
    "export": "Makes and trains bundles; needs PyTorch",
    "models": "The bundles that the wheel brings, and others: cards and recipes too",
    "requirements": "Lock files: what CI ran with, and the lowest releases that are allowed",
    "runtime": "What users install; without PyTorch",
    "scripts": "What the Makefile and the workflows call",
    "tests": "Folders as in runtime; export has the export's; helpers and tiny bundles beside them",
}
"""Every folder at the top, and what its packages do not say."""
WIDTH = 15


def tree() -> str:
    """Return the lines of the tree."""
    lines = []
    for folder, what in FOLDERS.items():
        lines.append(f"{folder + '/':{WIDTH}} {what}")
        for package in (EXPORT, RUNTIME):
            if package.startswith(f"{folder}/"):
                lines.append(f"  {package.removeprefix(folder + '/')}/")
                lines += [f"    {name:{WIDTH}} {what}" for name, what in rooms(ROOT / package)]
    return "".join(f"{line}\n" for line in lines)


def rooms(package: Path) -> Iterator[tuple[str, str]]:
    """Folders of a package, then modules of the runtime, and what each says of itself."""
    for path in sorted(package.glob("*/__init__.py")):
        yield f"{path.parent.name}/", said(path)
    if package == ROOT / RUNTIME:
        for path in sorted(package.glob("[!_]*.py")):
            yield path.name, said(path)


def said(path: Path) -> str:
    """First line of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if text is None:
        raise SystemExit(f"{path}: expected a docstring")
    return text.splitlines()[0]


def with_tree(page: str) -> str:
    """Return the page with the tree between its marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE}: expected {BEGIN!r} and {END!r}")
    return before + begin + tree() + end + after


if __name__ == "__main__":
    PAGE.write_text(with_tree(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
