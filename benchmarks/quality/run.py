"""Answers that survive compression: every method on every set, through the runtime's own API.

    python -m benchmarks.quality.run --data DIR --texts FILE --cases 40 --methods bm25,mini-question

Cases are drawn with a fixed seed, so that every method meets the same ones. Adds a line to
``results/survival.jsonl`` for each set, method and case, and leaves out what is there already. The
compressed contexts go to ``--texts``, for `benchmarks.quality.reader`. Budgets count the tokens of
``--reader``. One thread.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from benchmarks.machine import machine
from benchmarks.quality.methods import CONTENDERS, Outcome, Runner
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.sets import SETS, Case
from benchmarks.quality.survival import RATES, recall, survives

from edgelingua import LlamaModel
from edgelingua.models import DEFAULT_READER, find_reader

HERE = Path(__file__).parent
SCORER = "smollm2-135m-instruct-scorer"
COMPARED = ("nq", "hotpotqa", "musique", "squad", "qmsum")
KEY = ("set", "method", "case")
BLOCK = 2
"""Cases of a set before the next set has its turn, so that an early end leaves some of all."""


def main() -> None:
    """Compress what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--texts", type=Path, required=True, help="file for compressed contexts")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "survival.jsonl")
    parser.add_argument("--sets", default=",".join(COMPARED))
    parser.add_argument("--methods", default=",".join(CONTENDERS))
    parser.add_argument("--cases", type=int, default=40, help="of each set")
    parser.add_argument("--scorer", default=SCORER, help="bundle of the causal LM")
    parser.add_argument("--mini", default="edgelingua-mini", help="its bundle")
    parser.add_argument("--nano", default="edgelingua-nano", help="its bundle")
    parser.add_argument("--reader", default=DEFAULT_READER, help="whose tokens are counted")
    options = parser.parse_args()
    count = LlamaModel(find_reader(options.reader), vocabulary_only=True).count
    bundles = {"scorer": options.scorer, "mini": options.mini, "nano": options.nano}
    chosen = {name: CONTENDERS[name] for name in options.methods.split(",")}
    runners = {
        name: Runner(each, bundles[each.needs] if each.needs else None, count)
        for name, each in chosen.items()
    }
    options.results.parent.mkdir(parents=True, exist_ok=True)
    setting = options.results.with_name("machine.json")
    setting.write_text(json.dumps(machine(), indent=1) + "\n", encoding="utf-8")
    results, texts = Rows(options.results, KEY), Rows(options.texts, KEY)
    cases = {name: draw(name, options.data, options.cases) for name in options.sets.split(",")}
    for name, number in in_turn({name: len(some) for name, some in cases.items()}):
        case = cases[name][number]
        for method, runner in runners.items():
            if results.get(name, method, number):
                continue
            outcomes = [runner.compress(case.passages, case.question, rate) for rate in RATES]
            runner.forget()
            where = {"set": name, "method": method, "case": number}
            if case.answers:
                kept = [context(outcome) for outcome in outcomes]
                texts.add({**where, "texts": kept})
            results.add({**where, **measured(case, outcomes)})
            print(name, method, number, flush=True, file=sys.stderr)


def draw(name: str, data: Path, size: int) -> list[Case]:
    """Return some cases of a set, the same for the same set: the first of a fixed shuffle."""
    cases = list(SETS[name](data))
    return [cases[i] for i in np.random.default_rng(0).permutation(len(cases))[:size].tolist()]


def in_turn(sizes: dict[str, int]) -> Iterator[tuple[str, int]]:
    """Set and number of each case, a few of every set at a time."""
    for start in range(0, max(sizes.values()), BLOCK):
        for name, size in sizes.items():
            for number in range(start, min(start + BLOCK, size)):
                yield name, number


def context(outcome: Outcome) -> str:
    """What was kept of the contexts, without the question."""
    compressed = outcome.compressed
    pairs = zip(compressed.prompt.segments, compressed.segment_texts(), strict=True)
    return "".join(text for segment, text in pairs if segment.role in {"context", "separator"})


def measured(case: Case, outcomes: list[Outcome]) -> Row:
    """Fields of a row; lists have a value for each of `RATES`, seconds are the processor's."""
    compressed = [outcome.compressed for outcome in outcomes]
    row: dict[str, object] = {
        "tokens_in": compressed[0].tokens_in,
        "tokens": [each.tokens_out for each in compressed],
        "cpu": [round(outcome.cpu_seconds, 4) for outcome in outcomes],
        "clock": [round(outcome.seconds, 4) for outcome in outcomes],
    }
    if case.answers:
        row["answer"] = [int(survives(each, case.answers)) for each in compressed]
    found = [recall(each, case.evidence) for each in compressed]
    if not math.isnan(found[0]):
        row["evidence"] = [round(share, 4) for share in found]
    return row


if __name__ == "__main__":
    main()
