"""A run cut into pieces that several processes measure, and the sums of what they found."""

from __future__ import annotations

import json
import multiprocessing
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.common import jsonl
from benchmarks.faithfulness import crowding, report, system_rules
from benchmarks.faithfulness.contenders import CONTENDERS, Runner
from benchmarks.faithfulness.machine_text import measure

from edgelingua.budget import Count
from edgelingua.models.registry import find_reader
from edgelingua.text.counting import counter

SIZE = 25
"""Texts of a piece."""


@dataclass(frozen=True)
class Chunk:
    """Some texts of one kind, and what measures them.

    Parameters
    ----------
    file
        Name of the file of rows that they belong to, which says what is measured.
    kind
        Of text, attack, place of an instruction, stuffing, or system prompt.
    first, end
        Numbers of the texts, half-open.
    methods
        Contenders, for ``text`` and ``claims``.
    bundle, reader
        What the default runs on, and whose tokens are counted.
    """

    file: str
    kind: str
    first: int
    end: int
    methods: tuple[str, ...]
    bundle: str
    reader: str

    def rows(self) -> list[dict[str, Any]]:
        """Measure: rows of sums."""
        numbers = range(self.first, self.end)
        count = _count(self.reader)
        if self.file in {"text", "claims"}:
            runners = {name: _runner(name, self.bundle, self.reader) for name in self.methods}
            return list(measure(self.kind, numbers, runners))
        default = _runner("default", self.bundle, self.reader)
        if self.file == "crowd":
            return list(crowding.crowd(self.kind, numbers, default, count))
        of = {
            "inject": crowding.inject,
            "stuff": crowding.stuff,
            "rules": system_rules.rules,
        }
        return list(of[self.file](self.kind, numbers, default))


@cache
def _count(reader: str) -> Count:
    """Count as a reader does: a name, or a file with its tokens."""
    return counter(reader if Path(reader).is_file() else find_reader(reader))


@cache
def _runner(name: str, bundle: str, reader: str) -> Runner:
    return Runner(CONTENDERS[name], bundle, _count(reader))


def cut(file: str, kind: str, number: int, **options: Any) -> Iterator[Chunk]:
    """Cut the first ``number`` texts of a kind."""
    for first in range(0, number, SIZE):
        yield Chunk(file, kind, first, min(number, first + SIZE), **options)


def measured(chunks: Iterable[Chunk], jobs: int, kept: Path) -> dict[Chunk, list[dict[str, Any]]]:
    """Measure, in ``jobs`` processes, what is not in the file ``kept`` yet, and add it there."""
    found = {
        Chunk(**{**line["chunk"], "methods": tuple(line["chunk"]["methods"])}): line["rows"]
        for line in jsonl.read(kept)
    }
    chunks = list(chunks)
    missing = [chunk for chunk in chunks if chunk not in found]

    def add(chunk: Chunk, rows: list[dict[str, Any]]) -> None:
        found[chunk] = rows
        line = {"chunk": asdict(chunk), "rows": rows}
        jsonl.append(kept, json.dumps(line, ensure_ascii=False))
        print(f"{len(found)} of {len(chunks)}: {chunk.file} {chunk.kind} {chunk.first}", flush=True)

    if jobs == 1:
        for chunk in missing:
            add(chunk, chunk.rows())
        return found
    # Spawned: ONNX Runtime and llama.cpp have threads, which a fork does not take along.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        waiting = {pool.submit(Chunk.rows, chunk): chunk for chunk in missing}
        for done in as_completed(waiting):
            add(waiting[done], done.result())
    return found


def merged(parts: Iterable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Add up rows that measured the same."""
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in (row for rows in parts for row in rows):
        at = report.key(row)
        sums[at] = _sum(sums[at], row) if at in sums else dict(row)
    return list(sums.values())


_WORST = 3


def _sum(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(one)
    for name, value in other.items():
        if name in report.KEYS:
            continue
        if isinstance(value, Mapping):
            both[name] = dict(Counter(one[name]) + Counter(value))
        elif isinstance(value, list):
            both[name] = [*one[name], *value][:_WORST]
        else:
            both[name] = one.get(name, 0) + value
    return both
