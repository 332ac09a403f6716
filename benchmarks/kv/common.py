"""What the measurements of the cache share: variants, losses, options, and how rows are shared out.

Every script appends to its JSON lines file as it goes and skips what is there already, so it can be
stopped at any time; the tables are made from the file. ``--shard I/N`` measures every N-th of the
rows missing and writes them to a file of its own, so that N processes can share the work; `log`
merges what they wrote.
"""

from __future__ import annotations

import argparse
import gzip
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.common.machine import machine
from benchmarks.common.shards import Shard
from benchmarks.common.weights import LENGTH, of_bundle
from benchmarks.kv.log import Log, Row, has, read_rows
from numpy.typing import NDArray

from edgelingua import Budget, LlamaModel, Prompt, load_compressor
from edgelingua.alignment import token_importance
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import (
    POLICIES,
    Chunked,
    Compressor,
    KNorm,
    Phrased,
    Policy,
    Windowed,
    unwrapped,
)
from edgelingua.kv.session import Session
from edgelingua.llama.engine import LlamaEngine
from edgelingua.models import registry
from edgelingua.ort.session import RunOptions

HERE = Path(__file__).parent
RECENT = "knorm, 1/4 recent"


@dataclass(frozen=True)
class Variant:
    """A way to live under a cap: its name in the tables, the cap in f16 cells, and how."""

    name: str
    cap: int
    policy: Policy
    cache: CacheOptions = field(default_factory=CacheOptions)

    @property
    def compresses(self) -> bool:
        """Whether its policy wants a compressor's scores."""
        return isinstance(unwrapped(self.policy), Compressor)

    def cells(self, reader: LlamaModel) -> int:
        """Cells that take as many bytes as ``cap`` of them in f16; 0 for the full cache."""
        return self.cap * reader.cell_bytes(CacheOptions()) // reader.cell_bytes(self.cache)


def policies(cap: int, names: tuple[str, ...] = tuple(POLICIES)) -> list[Variant]:
    """All policies at a cap: with their default options, by chunks of 8, by phrases of 12.

    `streaming` scores neighbours nearly alike, so it needs no wrapper. `knorm` is there once more
    with a quarter of the cap for the most recent tokens, by chunks and by phrases, as the default
    policy has it; in f16 and in q8_0 of equal bytes.
    """
    made = [Variant(name, cap, POLICIES[name].make()) for name in names]
    wrapped = [name for name in names if name != "streaming"]
    made += [Variant(f"{name}, chunks", cap, Chunked(POLICIES[name].make())) for name in wrapped]
    made += [Variant(f"{name}, phrases", cap, Phrased(POLICIES[name].make())) for name in wrapped]
    rounded = CacheOptions(keys="q8_0", values="q8_0")
    for name, policy in (
        (f"{RECENT}, chunks", Chunked(KNorm(recent=cap // 4))),
        ("knorm, phrases, window", Windowed(Phrased(KNorm(recent=0)))),
    ):
        made += [Variant(name, cap, policy), Variant(f"{name}, q8_0", cap, policy, rounded)]
    return made


def chosen(variants: list[Variant], names: list[str] | None) -> list[Variant]:
    """The variants named, in the order of the names; all without names.

    Raises
    ------
    SystemExit
        There is none of a name.
    """
    if names is None:
        return variants
    known = list(dict.fromkeys(variant.name for variant in variants))
    for name in names:
        if name not in known:
            raise SystemExit(f"no variant {name!r}; there are: {'; '.join(known)}")
    return [variant for name in names for variant in variants if variant.name == name]


def parser(description: str | None, name: str) -> argparse.ArgumentParser:
    """Options that all scripts have; ``name`` is that of the results' file."""
    made = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    made.add_argument("--data", type=Path, help="folder with train/text/NAME.txt.gz, books")
    made.add_argument("--reader", default=registry.DEFAULT_READER)
    made.add_argument("--bundle", help="for the compressor policy; default: the one shipped")
    made.add_argument("--threads", type=int, default=1)
    made.add_argument("--results", type=Path, default=HERE / f"{name}.jsonl")
    made.add_argument("--tables", action="store_true", help="only make tables and plots anew")
    made.add_argument("--shard", type=Shard.parse, help="I/N: every N-th row, from I = 0 on")
    made.add_argument("--into", type=Path, help="folder for a shard's rows; beside the results")
    return made


Job = tuple[Row, Callable[[], Row]]
"""What tells a row from the others, and how to measure the rest of it."""


def work_off(
    jobs: Iterable[Job], arguments: argparse.Namespace, setting: Mapping[str, Any]
) -> None:
    """Measure what the results do not have yet, or a shard's part of it."""
    results: Path = arguments.results
    shard: Shard = arguments.shard or Shard()
    path = shard.file(results, arguments.into) if arguments.shard else results
    log = Log(path, setting, elsewhere=results if arguments.shard else None)
    # Shared out by what the results lack, whatever the shards have written since: so each shard
    # has the same rows when it is taken up again.
    before = read_rows(results)
    todo = [(key, measure) for key, measure in jobs if not has(before, key)]
    for key, measure in shard.of(todo):
        if not log.has(key):
            log.add({**key, **measure()})


def weights(reader: LlamaModel, bundle: Path | None = None) -> dict[str, str]:
    """Fingerprints of what rows are measured with: the reader's file, a bundle."""
    made = {"reader": reader.digest[:LENGTH]}
    return made if bundle is None else {**made, "bundle": of_bundle(bundle)}


def bundle_of(arguments: argparse.Namespace) -> Path:
    """Folder of the compressor's bundle."""
    named: str | None = arguments.bundle
    return registry.find_bundle(named) if named else registry.default_bundle()


def setting(reader: LlamaModel, bundle: Path | None = None) -> dict[str, Any]:
    """What the figures depend on: machine, versions, models, threads."""
    return {
        **machine(),
        "llama-cpp-python": metadata.version("llama-cpp-python"),
        **weights(reader, bundle),
        "reader_file": reader.path.name,
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


def importance(
    reader: LlamaModel, bundle: Path, text: str, question: str = ""
) -> NDArray[np.float32]:
    """What the compressor makes of each token of a text ``(n,)``."""
    compressor = load_compressor(
        "llmlingua2", bundle, count=reader.count, options=RunOptions(threads=1)
    )
    compressed = compressor.compress(Prompt.build(text, question=question), Budget(rate=1.0))
    pieces = reader.pieces(reader.tokenize(compressed.text))
    return token_importance(compressed, pieces)


def judged(
    session: Session,
    tokens: NDArray[np.int32],
    importance: NDArray[np.float32] | float = np.nan,
) -> NDArray[np.float32]:
    """Have a session read some tokens; logits ``(n, vocabulary)`` after each of them."""
    engine = session.engine
    if not isinstance(engine, LlamaEngine):
        raise TypeError(f"logits of all tokens come from llama.cpp, not {type(engine).__name__}")
    engine.predicts_all = True
    session.feed(tokens, importance=importance)
    return engine.take_logits()
