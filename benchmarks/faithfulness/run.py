"""What is kept of machine text and prose, what of it is false, and what hostile documents take.

    python -m benchmarks.faithfulness.run --cases 20 --kinds log,json --parts text

All texts are generated, the same ones each time. Five parts: ``text`` compresses each kind with
the default, without structure, and with three baselines, with and without a question; counts facts
that are kept, and claims of the output that the text contradicts. ``claims`` does so for the
default alone, with ``--many`` texts of each kind. ``crowd`` puts guardrails and
answers beside hostile documents and ordinary ones of as many tokens. ``inject`` hides instructions
in prose, and fills documents with what is pinned. ``rules`` compresses system prompts with
documents. Budgets count the tokens of ``--reader``;
``--jobs`` processes of one thread each. A run that was ended goes on where it was
(``chunks.jsonl`` in ``--results``; remove it to begin anew). Writes a line for each measurement to
``results/*.jsonl`` of what was asked for, leaves the other lines, and makes ``--page`` of all.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import jsonl
from benchmarks.common.machine import machine
from benchmarks.faithfulness import crowding, report
from benchmarks.faithfulness.chunks import Chunk, cut, measured, merged
from benchmarks.faithfulness.contenders import CONTENDERS
from benchmarks.faithfulness.hostile import ATTACKS
from benchmarks.faithfulness.kinds import KINDS
from benchmarks.faithfulness.system_prompts import SOURCES

from edgelingua.models.registry import DEFAULT_READER

HERE = Path(__file__).parent
PARTS = ("text", "claims", "crowd", "inject", "rules")


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
    parser.add_argument(
        "--reader", default=DEFAULT_READER, help="whose tokens are counted; also a tokenizer.json"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes, of one thread each")
    options = parser.parse_args()
    kept = options.results / "chunks.jsonl"
    found = measured(work(options), options.jobs, kept)
    for name in report.FILES:
        rows = merged(rows for chunk, rows in found.items() if chunk.file == name)
        if rows:
            keep(options.results / f"{name}.jsonl", [crowding.means(row) for row in rows])
    reader = Path(options.reader).name
    setting = json.dumps({**machine(), "bundle": options.bundle, "reader": reader}, indent=1)
    (options.results / "machine.json").write_text(f"{setting}\n", encoding="utf-8")
    kept.unlink()
    page = report.page(options.results)
    options.page.write_text(page, encoding="utf-8")
    print(page)


def work(options: argparse.Namespace) -> Iterator[Chunk]:
    """Give what is asked for, piece by piece."""
    every = tuple(options.methods.split(","))
    parts = options.parts.split(",")
    kinds = options.kinds.split(",")
    asked = [
        ("text", kinds, options.cases, every, "text" in parts),
        ("claims", kinds, options.many, ("default",), "claims" in parts),
        ("crowd", options.attacks.split(","), options.cases, (), "crowd" in parts),
        ("inject", crowding.PLACES, options.cases, (), "inject" in parts),
        ("stuff", crowding.STUFFED, options.cases, (), "inject" in parts),
        ("rules", SOURCES, options.cases, (), "rules" in parts),
    ]
    for file, some, number, methods, wanted in asked:
        for kind in some if wanted else ():
            shared = {"bundle": options.bundle, "reader": options.reader}
            yield from cut(file, kind, number, methods=methods, **shared)


def keep(path: Path, rows: list[dict[str, Any]]) -> None:
    """Put rows in the place of those that measured the same before."""
    made = {report.key(row) for row in rows}
    others = [row for row in jsonl.read(path) if report.key(row) not in made]
    jsonl.replace(path, [json.dumps(row, ensure_ascii=False) for row in [*others, *rows]])


if __name__ == "__main__":
    main()
