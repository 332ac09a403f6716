"""Corpora of every kind with the same texts, and what comes out of each in one form."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TEXTS

KINDS = ("in.jsonl", "in.jsonl.gz", "in.parquet", "in")
ADDED = ("compressed", "spans", "tokens_in", "tokens_out", "error")


def texts(many: int) -> list[str]:
    """Texts of many kinds, no two alike, some of them empty."""
    kinds = [*TEXTS.values(), "", " \n"]
    return [kinds[n % len(kinds)] * (1 + n % 3) + f" {n}" * (n % 7) for n in range(many)]


def make(folder: Path, kind: str, rows: list[str]) -> Path:
    """Write a corpus of that kind, and return where."""
    path = folder / kind
    if kind == "in":
        for number, text in enumerate(rows):
            file = path / f"{number % 3}" / f"{number:05}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
    elif kind.endswith(".parquet"):
        pa = pytest.importorskip("pyarrow")
        import pyarrow.parquet as pq

        numbers = pa.array(range(len(rows)), pa.int32())
        pq.write_table(pa.table({"id": numbers, "text": rows}), path, row_group_size=17)
    else:
        lines = "".join(json.dumps({"id": n, "text": t}) + "\n" for n, t in enumerate(rows))
        data = lines.encode()
        path.write_bytes(gzip.compress(data, 1) if kind.endswith(".gz") else data)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a corpus that was compressed, of any kind, with the same names."""
    if path.is_dir():
        rows = []
        for line in (path / "spans.jsonl").read_text("utf-8").rstrip("\n").split("\n"):
            row = json.loads(line)
            file = path / row["file"]
            row["compressed"] = file.read_bytes().decode() if file.exists() else None
            rows.append({name: row[name] for name in ADDED} | {"id": int(file.stem)})
        return sorted(rows, key=lambda row: row["id"])
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    else:
        raw = path.read_bytes()
        data = gzip.decompress(raw) if path.suffix == ".gz" else raw
        found = [json.loads(line) for line in data.decode().split("\n") if line]
    return [
        {name.removeprefix("text_"): value for name, value in row.items() if name != "text"}
        for row in found
    ]


def contents(path: Path) -> dict[str, bytes]:
    """Return the bytes of a file, or of all files of a folder."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {str(f.relative_to(path)): f.read_bytes() for f in files if f.is_file()}
