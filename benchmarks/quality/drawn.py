"""Questions drawn where the data is, to be asked where it is not: one file in its place.

    python -m benchmarks.quality.multi --data DIR --cases 60 --save questions.jsonl.gz
    python -m benchmarks.quality.multi --drawn questions.jsonl.gz --settings ar --results ar.jsonl

Each setting may run by itself, and `benchmarks.quality.merge` puts their results together.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.common.shards import Shard
from benchmarks.quality.languages import Asked

Drawn = Mapping[str, Sequence[Asked]]
"""Questions by setting."""


def add_arguments(parser: argparse.ArgumentParser, results: Path, methods: Sequence[str]) -> None:
    """Add what the scripts that ask such questions have in common."""
    parser.add_argument("--drawn", type=Path, metavar="FILE", help="questions that --save wrote")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the questions; ask none")
    parser.add_argument("--multi", default="edgelingua-multi", help="bundle of edgelingua-multi")
    parser.add_argument("--mini", default="edgelingua-mini", help="bundle of edgelingua-mini")
    parser.add_argument("--methods", default=",".join(methods))
    parser.add_argument("--settings", help="languages, sets, …; default: all")
    parser.add_argument("--cases", type=int, help="of each, at most; default: all that were drawn")
    parser.add_argument("--results", type=Path, default=results)
    parser.add_argument("--shard", type=Shard.parse, default=Shard(), metavar="I/N")


def questions(options: argparse.Namespace, draw: Callable[[], Drawn]) -> Drawn:
    """Return the questions that the command line asks for; none where they are to be saved."""
    asked = load(options.drawn) if options.drawn else draw()
    if options.settings:
        asked = {setting: asked[setting] for setting in options.settings.split(",")}
    if options.cases:
        asked = {setting: cases[: options.cases] for setting, cases in asked.items()}
    if options.save:
        save(options.save, asked)
        return {}
    return asked


def save(path: Path, asked: Drawn) -> None:
    """Write questions as JSON lines, compressed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for setting, cases in asked.items():
            for case in cases:
                print(json.dumps([setting, asdict(case)], ensure_ascii=False), file=file)


def load(path: Path) -> Drawn:
    """Read what `save` wrote."""
    found: dict[str, list[Asked]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for setting, case in map(json.loads, file):
            fields = {k: tuple(v) if isinstance(v, list) else v for k, v in case.items()}
            found.setdefault(setting, []).append(Asked(**fields))
    return found
