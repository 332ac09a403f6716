"""What is kept of machine text and prose, what of it is false, and what hostile documents take.

    python -m benchmarks.faithfulness.run --cases 20 --kinds log,json --parts text

All texts are generated, the same ones each time. Four parts: ``text`` compresses each kind with
the default, without structure, and with three baselines, with and without a question; counts facts
that are kept, and claims of the output that the text contradicts. ``claims`` does so for the
default alone, with ``--many`` texts of each kind. ``crowd`` puts guardrails and
answers beside hostile documents and ordinary ones of as many tokens. ``inject`` hides instructions
in prose, and fills documents with what is pinned. Budgets count the tokens of ``--reader``; one
thread. Writes a line for each measurement to ``results/*.jsonl`` of what was asked for anew, leaves
the other lines, and makes ``--page`` of all.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.common import jsonl
from benchmarks.common.machine import machine
from benchmarks.faithfulness import crowding, report
from benchmarks.faithfulness.contenders import CONTENDERS, Runner
from benchmarks.faithfulness.hostile import ATTACKS
from benchmarks.faithfulness.kinds import KINDS
from benchmarks.faithfulness.machine_text import measure

from edgelingua import LlamaModel
from edgelingua.budget import Count
from edgelingua.models.registry import DEFAULT_READER, find_reader

HERE = Path(__file__).parent
PARTS = ("text", "claims", "crowd", "inject")
Work = tuple[str, Callable[[], Iterator[dict[str, Any]]]]
"""A file of results, and what makes rows of it."""


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default=",".join(PARTS), help="of %(default)s")
    parser.add_argument("--kinds", default=",".join(KINDS), help="of text")
    parser.add_argument("--methods", default=",".join(CONTENDERS))
    parser.add_argument("--attacks", default=",".join(ATTACKS), help="of hostile documents")
    parser.add_argument("--cases", type=int, default=20, help="of each kind and attack")
    parser.add_argument("--many", type=int, default=100, help="texts of each kind for claims")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder of rows")
    parser.add_argument("--page", type=Path, default=HERE / "faithfulness.md", help="of tables")
    parser.add_argument("--bundle", default="edgelingua-mini", help="what the default runs on")
    parser.add_argument("--reader", default=DEFAULT_READER, help="whose tokens are counted")
    options = parser.parse_args()
    count = LlamaModel(find_reader(options.reader), vocabulary_only=True).count
    for name, make in work(options, count):
        rows = list(make())
        for row in rows:
            print(report.line(row), flush=True)
        keep(options.results / f"{name}.jsonl", rows)
    setting = json.dumps(
        {**machine(), "bundle": options.bundle, "reader": options.reader}, indent=1
    )
    (options.results / "machine.json").write_text(f"{setting}\n", encoding="utf-8")
    page = report.page(options.results)
    options.page.write_text(page, encoding="utf-8")
    print(page)


def work(options: argparse.Namespace, count: Count) -> Iterator[Work]:
    """Give what is asked for, piece by piece."""
    runners = {
        name: Runner(CONTENDERS[name], options.bundle, count) for name in options.methods.split(",")
    }
    default = runners.get("default") or Runner(CONTENDERS["default"], options.bundle, count)
    parts = options.parts.split(",")
    for kind in options.kinds.split(",") if "text" in parts else ():
        yield "text", partial(measure, kind, options.cases, runners)
    for kind in options.kinds.split(",") if "claims" in parts else ():
        yield "claims", partial(measure, kind, options.many, {"default": default})
    for attack in options.attacks.split(",") if "crowd" in parts else ():
        yield "crowd", partial(crowding.crowd, attack, options.cases, default, count)
    for place in crowding.PLACES if "inject" in parts else ():
        yield "inject", partial(crowding.inject, place, options.cases, default)
    for kind in crowding.STUFFED if "inject" in parts else ():
        yield "stuff", partial(crowding.stuff, kind, options.cases, default)


def keep(path: Path, rows: list[dict[str, Any]]) -> None:
    """Put rows in the place of those that measured the same before."""
    made = {report.key(row) for row in rows}
    others = [row for row in jsonl.read(path) if report.key(row) not in made]
    jsonl.replace(path, [json.dumps(row, ensure_ascii=False) for row in [*others, *rows]])


if __name__ == "__main__":
    main()
