"""What the measurements of the cache share: variants, losses, and a log that can be taken up again.

Every script appends to its JSON lines file as it goes and skips what is there already, so it can be
stopped at any time; the tables are made from the file.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.machine import machine
from numpy.typing import NDArray

from edgelingua import LlamaModel, models
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import POLICIES, Chunked, KNorm, Policy
from edgelingua.kv.session import Session
from edgelingua.llama_engine import LlamaEngine

HERE = Path(__file__).parent
RECENT = "knorm, 1/4 recent"


@dataclass(frozen=True)
class Variant:
    """A way to live under a cap: its name in the tables, the cap in f16 cells, and how."""

    name: str
    cap: int
    policy: Policy
    cache: CacheOptions = field(default_factory=CacheOptions)

    def cells(self, reader: LlamaModel) -> int:
        """Cells that take as many bytes as ``cap`` of them in f16; 0 for the full cache."""
        return self.cap * reader.cell_bytes(CacheOptions()) // reader.cell_bytes(self.cache)


def policies(cap: int, names: tuple[str, ...] = tuple(POLICIES)) -> list[Variant]:
    """All policies at a cap, with their default options."""
    return [Variant(name, cap, POLICIES[name].make()) for name in names]


def chunked(cap: int, names: tuple[str, ...] = tuple(POLICIES)) -> list[Variant]:
    """Those policies whose scores differ among neighbours, averaged over chunks of 8.

    And `knorm` once more, with a quarter of the cap for the most recent tokens instead of 32 cells.
    """
    made = [
        Variant(f"{name}, chunks", cap, Chunked(POLICIES[name].make()))
        for name in names
        if name != "streaming"
    ]
    recent = Variant(f"{RECENT}, chunks", cap, Chunked(KNorm(recent=cap // 4)))
    return [*made, recent]


def chosen(variants: list[Variant], names: list[str] | None) -> list[Variant]:
    """The variants named, in the order of the names; all without names."""
    if names is None:
        return variants
    return [variant for name in names for variant in variants if variant.name == name]


class Log:
    """Rows in a JSON lines file; each run's setting is a line of its own.

    Parameters
    ----------
    path
        The file; it is made if it is not there.
    setting
        What all rows of this run depend on.
    """

    def __init__(self, path: Path, setting: dict[str, Any]) -> None:
        self.path = path
        lines = _lines(path)
        self.rows = [row for row in lines if "setting" not in row]
        settings = [row["setting"] for row in lines if "setting" in row]
        if settings[-1:] != [setting]:
            self._append({"setting": setting})

    def has(self, **key: Any) -> bool:
        """Whether there is a row with these values."""
        return any(all(row.get(name) == key[name] for name in key) for row in self.rows)

    def add(self, row: dict[str, Any]) -> None:
        """Append a row, and show it."""
        self.rows.append(row)
        self._append(row)
        print(row, flush=True)

    def _append(self, row: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            print(json.dumps(row), file=file)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a JSON lines file without its settings; none if it is not there."""
    return [row for row in _lines(path) if "setting" not in row]


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def parser(description: str | None, name: str) -> argparse.ArgumentParser:
    """Options that all scripts have; ``name`` is that of the results' file."""
    made = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    made.add_argument("--data", type=Path, help="folder with train/text/NAME.txt.gz, books")
    made.add_argument("--reader", default=models.DEFAULT_READER)
    made.add_argument("--threads", type=int, default=1)
    made.add_argument("--results", type=Path, default=HERE / f"{name}.jsonl")
    made.add_argument("--tables", action="store_true", help="only make tables and plots anew")
    return made


def setting(reader: LlamaModel) -> dict[str, Any]:
    """What the figures depend on: machine, versions, model, threads."""
    return {
        **machine(),
        "llama-cpp-python": metadata.version("llama-cpp-python"),
        "reader": reader.path.name,
        "weights_mb": round(reader.weights_mb, 1),
        "threads": reader.threads,
        # numpy's library may use more threads than the engine does, and spin while it waits.
        "blas_threads": os.environ.get("OPENBLAS_NUM_THREADS"),
    }


def book(data: Path, name: str) -> str:
    """Text of a book, as the data folder has it."""
    with gzip.open(data / "train" / "text" / f"{name}.txt.gz", "rt", encoding="utf-8") as file:
        return file.read()


def losses(logits: NDArray[np.float32], tokens: NDArray[np.int32]) -> NDArray[np.float64]:
    """Nats ``(n,)`` that tokens ``(n,)`` cost under logits ``(n, vocabulary)``."""
    logits = logits - logits.max(axis=1, keepdims=True)
    total = np.log(np.exp(logits).sum(axis=1, dtype=np.float64))
    paid: NDArray[np.float64] = total - logits[np.arange(len(tokens)), tokens]
    return paid


def judged(session: Session, tokens: NDArray[np.int32]) -> NDArray[np.float32]:
    """Have a session read some tokens; logits ``(n, vocabulary)`` after each of them."""
    engine = session.engine
    if not isinstance(engine, LlamaEngine):
        raise TypeError(f"logits of all tokens come from llama.cpp, not {type(engine).__name__}")
    engine.predicts_all = True
    session.feed(tokens)
    return engine.take_logits()
