"""Compress the contexts of the published tasks, and count what stays of what matters in them.

    python -m benchmarks.seeds.run --data DIR --texts FILE --tasks gsm8k,bbh

Adds a row to ``kept.jsonl`` for each context and method, with a value for each rate of the task
(`benchmarks.seeds.tasks.TASKS`): tokens, of chains of thought the
share of numbers and of reasoning steps (lines all whose numbers stay), whether an answer stands in
it, words of the evidence. The texts go to ``--texts`` for `benchmarks.seeds.answer`, with two that
are no compression: ``whole``, and ``reordered``, the passages nearest by BM25 first. One thread;
``--shard 0/8`` does every eighth context, into files of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from benchmarks.common.shards import Shard
from benchmarks.quality.methods import CONTENDERS, Runner
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.run import SCORER, context
from benchmarks.quality.sets import terms
from benchmarks.quality.survival import inside, recall
from benchmarks.seeds.judge import holds, steps
from benchmarks.seeds.tasks import TASKS, Case, cases_of
from rank_bm25 import BM25Okapi

from edgelingua.compressed import Compressed
from edgelingua.models.registry import DEFAULT_READER, find_reader
from edgelingua.prompt import SEPARATOR
from edgelingua.text.counting import counter

HERE = Path(__file__).parent
KEY = ("task", "group", "case", "method")
BUNDLES = {
    "scorer": SCORER,
    "mini": "edgelingua-mini",
    "nano": "edgelingua-nano",
    "multi": "edgelingua-multi",
    "sentence": "edgelingua-sentence",
}


def main() -> None:
    """Compress what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--texts", type=Path, required=True, help="file for compressed contexts")
    parser.add_argument("--results", type=Path, default=HERE / "kept.jsonl")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--methods", default="", help="of each task; all if empty")
    parser.add_argument("--cases", type=int, default=1000, help="of each group at most")
    parser.add_argument("--shard", type=Shard.parse, default=Shard(), metavar="I/N")
    parser.add_argument(
        "--reader", default=DEFAULT_READER, help="whose tokens are counted; or a file"
    )
    options = parser.parse_args()
    is_file = Path(options.reader).is_file()
    count = counter(options.reader if is_file else find_reader(options.reader))
    alone = options.shard.count == 1
    rows, texts = (
        Rows(path if alone else options.shard.file(path), KEY)
        for path in (options.results, options.texts)
    )
    runners: dict[str, Runner] = {}
    for name in options.tasks.split(","):
        task = TASKS[name]
        cases = [case for case in cases_of(name, options.data) if case.number < options.cases]
        chosen = options.methods.split(",") if options.methods else task.methods
        jobs = [(m, case) for m in chosen if m in task.methods for case in once(cases, m)]
        for method, case in options.shard.of(jobs):
            where = {"task": name, "group": case.group, "case": case.number, "method": method}
            if rows.get(*(where[key] for key in KEY)):
                continue
            if method not in runners:
                needs = CONTENDERS[method].needs
                runners[method] = Runner(
                    CONTENDERS[method], BUNDLES[needs] if needs else None, count
                )
            done = runners[method].outcomes(case.context, case.question, task.rates)
            kept = [context(outcome) for outcome in done]
            texts.add({**where, "rates": task.rates, "texts": kept})
            rows.add({**where, **measured(case, [each.compressed for each in done], kept)})
            print(name, case.group, case.number, method, file=sys.stderr, flush=True)
    if alone or options.shard.index == 0:
        for name in options.tasks.split(","):
            for row in uncompressed(cases_of(name, options.data)):
                if row["case"] < options.cases and not texts.get(*(row[key] for key in KEY)):
                    texts.add(row)


def once(cases: list[Case], method: str) -> Iterator[Case]:
    """Cases that a method compresses: the first of each context where it sees no question."""
    seen = set()
    for case in cases:
        if CONTENDERS[method].asks:
            yield case
        elif case.context not in seen:
            seen.add(case.context)
            yield case


def uncompressed(cases: list[Case]) -> Iterator[Row]:
    """Contexts as they are, once each, and their passages in the order of BM25."""
    seen = set()
    for case in cases:
        where = {"task": case.task, "group": case.group, "case": case.number, "rates": (1.0,)}
        if case.context not in seen:
            seen.add(case.context)
            yield {**where, "method": "whole", "texts": [SEPARATOR.join(case.context)]}
        if case.task == "nq-20":
            index = BM25Okapi([terms(passage) for passage in case.context])
            order = np.argsort(-index.get_scores(terms(case.question)), kind="stable")
            text = SEPARATOR.join(case.context[place] for place in order.tolist())
            yield {**where, "method": "reordered", "texts": [text]}


def measured(case: Case, compressed: Sequence[Compressed], kept: Sequence[str]) -> Row:
    """Fields of a row; lists have a value for each rate."""
    row: dict[str, object] = {
        "tokens_in": compressed[0].tokens_in,
        "tokens": [each.tokens_out for each in compressed],
    }
    if case.task in {"gsm8k", "bbh"}:
        lines = steps(SEPARATOR.join(case.context))
        found = [[inside(line, each.spans) for line in lines] for each in compressed]
        if lines:
            row["numbers"] = [round(float(np.concatenate(each).mean()), 4) for each in found]
            row["steps"] = [round(float(np.mean([s.all() for s in each])), 4) for each in found]
    if case.judge == "contains":
        row["answer"] = [holds(case, text) for text in kept]
    if case.evidence:
        row["evidence"] = [round(recall(each, case.evidence), 4) for each in compressed]
    return row


if __name__ == "__main__":
    main()
