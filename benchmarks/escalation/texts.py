"""What a reader reads, step by step, that is never sure: the same steps as ``escalate=True``.

    python -m benchmarks.escalation.texts --data DIR --reader FILE --texts FILE

Compresses each question's passages with edgelingua-mini to a twentieth and a tenth of the tokens of
``--reader``, then takes what `Unread.further` would read next until nothing is left. Adds a line to
``--texts`` for each set and case: the compressed contexts at every fixed rate, and behind the
first two what follows. Every third case is held out, for calibration alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.common import jsonl
from benchmarks.common.shards import Shard, in_turn
from benchmarks.quality.methods import CONTENDERS, Runner
from benchmarks.quality.sets import Case, draw

from edgelingua.budget import Count
from edgelingua.prompt import SEPARATOR
from edgelingua.readers.escalation import Escalation
from edgelingua.selection.rest import Unread
from edgelingua.text.counting import counter

SETS = ("nq", "hotpotqa", "squad")
RATES = (0.05, 0.1, 0.2)
FIRST = (0.05, 0.1)
"""Rates of what is read before anybody is unsure."""


def main() -> None:
    """Add the lines that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--reader", required=True, help="counts: a GGUF file or a tokenizer.json")
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=300, help="of each set")
    parser.add_argument("--shard", type=Shard.parse, default=Shard(), metavar="I/N")
    options = parser.parse_args()
    count = counter(options.reader)
    runner = Runner(CONTENDERS["mini-question"], None, count)
    there = {(row["set"], row["case"]) for row in jsonl.read(options.texts)}
    cases = {name: draw(name, options.data, options.cases) for name in SETS}
    turns = in_turn({name: len(some) for name, some in cases.items()})
    for name, number in options.shard.of(turns):
        if (name, number) not in there:
            where = {"set": name, "case": number, "held_out": number % 3 == 2}
            row = {**where, **steps(cases[name][number], runner, count)}
            jsonl.append(options.texts, json.dumps(row, ensure_ascii=False))


def steps(case: Case, runner: Runner, count: Count) -> dict[str, object]:
    """Return the contexts at the fixed rates, and what follows those of `FIRST`."""
    kept, followed = {}, {}
    for rate in RATES:
        compressed = runner.compress(case.passages, case.question, rate).compressed
        kept[str(rate)] = compressed.text.removesuffix(SEPARATOR + case.question)
        unread = Unread.of(compressed, count)
        texts = []
        while rate in FIRST and (found := unread.further(Escalation().growth, sys.maxsize)):
            further, unread = found
            texts.append(further.text)
        if rate in FIRST:
            followed[str(rate)] = texts
    return {
        "question": case.question,
        "answers": case.answers,
        "whole": SEPARATOR.join(case.passages),
        "kept": kept,
        "followed": followed,
    }


if __name__ == "__main__":
    main()
