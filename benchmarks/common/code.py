"""Digests of code by what it does, of models by their weights, of files by their bytes."""

from __future__ import annotations

import ast
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_FIGURES = "figures.py"
"""Name of modules that hold what benchmarks measured: they change nothing that is measured."""
_LENGTH = 10
"""Hexadecimal digits of a digest."""


def digest(part: str, root: Path = ROOT) -> str:
    """Digest of what a package or a module does, or of a model; empty where there is none."""
    folder = root if "/" in part else root / "runtime" / "edgelingua"
    place = folder / part
    if place.name == "manifest.json":
        return _of_weights(place)
    found = [place] if place.is_file() else sorted(place.rglob("*.py"))
    summed = hashlib.sha256()
    for path in found:
        if path.name == _FIGURES:
            continue
        summed.update(path.relative_to(folder).as_posix().encode())
        summed.update(_of_code(path.read_text(encoding="utf-8")))
    return summed.hexdigest()[:_LENGTH] if found else ""


def _of_weights(manifest: Path) -> str:
    """Digest of a model by the hashes of its graphs and its tokenizer; its card may change."""
    if not manifest.exists():
        return ""
    kept = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    names = [name for name in sorted(kept) if name.endswith((".onnx", "tokenizer.json"))]
    heavy = [(name, kept[name]["sha256"]) for name in names]
    return hashlib.sha256(json.dumps(heavy).encode()).hexdigest()[:_LENGTH]


@cache
def _of_code(source: str) -> bytes:
    summed = hashlib.sha256()
    _walk(ast.parse(source), summed.update)
    return summed.digest()


def _walk(node: Any, add: Any) -> None:
    """Feed a tree to a digest: without places, docstrings, and fields that are empty."""
    if isinstance(node, ast.AST):
        add(f"({type(node).__name__}".encode())
        for name, value in ast.iter_fields(node):
            has_text = name == "body" and isinstance(value, list)
            kept = [each for each in value if not _is_text(each)] if has_text else value
            if kept not in (None, []):
                add(name.encode())
                _walk(kept, add)
        add(b")")
    elif isinstance(node, list):
        for each in node:
            _walk(each, add)
    else:
        add(repr(node).encode())


def _is_text(node: Any) -> bool:
    """Whether a statement is a string alone: a docstring."""
    value = getattr(node, "value", None) if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def of_bytes(path: Path) -> str:
    """Digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_LENGTH]
