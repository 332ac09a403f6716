"""All kinds of generated text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from random import Random

from benchmarks.faithfulness import (
    languages,
    lines,
    logs,
    notes,
    programs,
    prose,
    records,
    sources,
    tables,
)
from benchmarks.faithfulness.cases import Case, Generator

KINDS: Mapping[str, Generator] = {
    "json": records.json_document,
    "jsonl": records.json_lines,
    "yaml": records.yaml_manifest,
    "ini": records.ini,
    "sql": records.sql,
    "csv": tables.csv,
    "markdown": tables.markdown,
    "aligned": tables.aligned,
    "pods": tables.pods,
    "log": logs.log,
    "access": logs.access,
    "trace": logs.trace,
    "grep": lines.grep,
    "chat": lines.chat,
    "colour": lines.colour,
    "diff": sources.diff,
    "code": programs.code,
    "cpp": programs.cpp,
    "compiler": programs.compiler,
    "listing": programs.listing,
    "html": sources.html,
    "kubectl": sources.kubectl,
    "prose": prose.prose,
    "figures": prose.figures,
    "ward": notes.ward,
    "contract": notes.contract,
    "blob": notes.blob,
    "languages": languages.languages,
}
PROSE = frozenset({"prose", "figures", "ward", "contract", "blob", "languages"})
"""Kinds that are no machine text."""


def cases(kind: str, numbers: Iterable[int]) -> Iterator[Case]:
    """Texts of a kind by their numbers; always the same ones."""
    for at in numbers:
        yield KINDS[kind](Random(f"{kind} {at}"))
