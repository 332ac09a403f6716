"""Methods that `benchmarks.quality.run` does not have, and what a reader of 1.5B makes of them all.

    python -m benchmarks.methods.run --data DIR --heads BUNDLE --reader FILE.gguf

Cases and rates are those of `benchmarks.quality.run`. ``survival.jsonl`` gets the rows of `ehpc`
(``--heads``: a scorer bundle that names its heads), ``scope.jsonl`` what the reader writes with
`scope`, ``answers.jsonl`` what it answers at rate 0.2, case by case, so that all methods have met
the same cases whenever it stops. One thread. The files go on where they stopped;
`benchmarks.methods.table` makes the table of all methods.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

from benchmarks.common.machine import machine
from benchmarks.common.weights import of_bundle, of_file
from benchmarks.quality.methods import CONTENDERS, Contender, Runner
from benchmarks.quality.reader import read
from benchmarks.quality.rows import Rows
from benchmarks.quality.run import KEY, context, measured
from benchmarks.quality.sets import Case, draw, found
from benchmarks.quality.survival import RATES, survives

from edgelingua import Budget, LlamaModel, Prompt
from edgelingua.budget import Count
from edgelingua.compressors import load_scope
from edgelingua.models.registry import DEFAULT_READER, find_bundle, find_reader
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import SEPARATOR

HERE = Path(__file__).parent
EHPC = Contender("EHPC", "ehpc", "scorer", asks=True)
CPC = Contender("CPC", "cpc", asks=True)
READ = ("whole", "truncate", "bm25", "cpc", "ehpc", "mini", "mini-question")
"""Methods whose texts the reader is asked about."""

RATE, WRITTEN = 0.2, 0.33
"""Share of the tokens that the reader gets, and that scope may write."""


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--heads", required=True, help="scorer bundle that names its heads")
    parser.add_argument("--reader", type=Path, help="a GGUF file; without one nothing is answered")
    parser.add_argument("--sets", default="nq,hotpotqa,squad")
    parser.add_argument("--cases", type=int, default=50, help="of each set")
    parser.add_argument("--written", type=int, default=0, help="cases of SQuAD for scope")
    parser.add_argument("--answered", type=int, default=20, help="cases of SQuAD that are read")
    options = parser.parse_args()
    count = LlamaModel(find_reader(DEFAULT_READER), vocabulary_only=True).count
    runner, made = Runner(EHPC, options.heads, count), of_bundle(options.heads)
    survival = Rows(HERE / "survival.jsonl", KEY)
    for name in options.sets.split(","):
        for number, case in enumerate(draw(name, options.data, options.cases)):
            if not survival.has(name, "ehpc", number, weights=made):
                kept = measured(case, runner.outcomes(case.passages, case.question))
                where = {"set": name, "method": "ehpc", "case": number, "weights": made}
                survival.add({**where, **kept, "peak_mb": peak(), "machine": machine()["cpu"]})
                print(name, number, flush=True, file=sys.stderr)
    if options.reader is None:
        return
    bundles = {"mini": "edgelingua-mini", "ehpc": options.heads}
    runners = {
        "ehpc": runner,
        "cpc": Runner(CPC, find_bundle("edgelingua-sentence"), count),
        **{
            name: Runner(CONTENDERS[name], bundles.get(CONTENDERS[name].needs or ""), count)
            for name in ("truncate", "bm25", "mini", "mini-question")
        },
    }
    answers = Rows(HERE / "answers.jsonl", (*KEY, "reader"))
    reader, of = LlamaModel(options.reader, threads=1), of_file(options.reader)
    write(reader, of, draw("squad", options.data, options.written), count)
    for number, case in enumerate(draw("squad", options.data, options.answered)):
        for method in READ:
            if answers.has("squad", method, number, of):
                continue
            kept = SEPARATOR.join(case.passages)
            if method != "whole":
                outcome = runners[method].outcomes(case.passages, case.question)[RATES.index(RATE)]
                kept = context(outcome)
            answer = read(reader, kept, case, plain=False)
            del answer["text"]
            where = {"set": "squad", "method": method, "case": number, "reader": of}
            answers.add({**where, "rate": RATE, **answer})
        print("read", number, flush=True, file=sys.stderr)


def write(reader: LlamaModel, of: str, cases: list[Case], count: Count) -> None:
    """Add a row to ``scope.jsonl`` for each case: what the reader wrote, and what was extracted."""
    rows = Rows(HERE / "scope.jsonl", (*KEY, "reader"))
    scope = load_scope(reader, options=RunOptions(threads=1))
    for number, case in enumerate(cases):
        if rows.has("squad", "scope", number, of):
            continue
        prompt = Prompt.build(case.passages, question=case.question)
        inside = prompt.text[: prompt.layout.compressible[1]]
        limit = Budget(rate=WRITTEN).limit(count(inside)) + count(SEPARATOR + case.question)
        spent = time.process_time()
        made = scope.compress(prompt, Budget(tokens=limit, count=count))
        spent = time.process_time() - spent
        text = made.text.removesuffix(case.question)
        where = {"set": "squad", "method": "scope", "case": number, "reader": of}
        rows.add(
            {
                **where,
                "rate": WRITTEN,
                "answer": int(any(found(text, answer) for answer in case.answers)),
                "extracted": int(survives(made.extracted, case.answers)),
                "written": sum(part.written for part in made.parts),
                "refused": [part.refused for part in made.parts if part.refused],
                "parts": len(made.parts),
                "tokens": made.tokens_out,
                "limit": limit,
                "cpu": round(spent, 2),
                "peak_mb": peak(),
            }
        )
        print("written", number, flush=True, file=sys.stderr)


def peak() -> float:
    """Most memory this process has had, in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


if __name__ == "__main__":
    main()
