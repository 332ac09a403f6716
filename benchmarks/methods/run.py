"""Methods that `benchmarks.quality.run` does not have, and what a reader of 1.5B makes of them all.

    python -m benchmarks.methods.run --data DIR --heads BUNDLE --reader FILE.gguf

Cases and rates are those of `benchmarks.quality.run`. ``survival.jsonl`` gets the rows of
`llmlingua2_question`, `cpc` and `ehpc` (``--heads``: a scorer bundle that names its heads),
``--texts`` what these and `TOLD` make of SQuAD at rate 0.2, for `benchmarks.quality.reader_torch`,
``scope.jsonl`` what the reader writes with `scope` and answers from it, ``answers.jsonl`` what it
answers at rate 0.2, case by case, so that all methods have met the same cases whenever it stops.
One thread. The files go on where they stopped; `benchmarks.methods.table` makes the table of all
methods.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.common.machine import machine
from benchmarks.common.weights import of_bundle, of_file
from benchmarks.quality.methods import CONTENDERS, Contender, Runner
from benchmarks.quality.reader import read
from benchmarks.quality.rows import Rows
from benchmarks.quality.run import KEY, SCORER, context, measured
from benchmarks.quality.sets import Case, draw, found
from benchmarks.quality.survival import RATES, survives

from edgelingua import Budget, LlamaModel, Prompt
from edgelingua.budget import Count
from edgelingua.compressors import load_scope
from edgelingua.models.registry import DEFAULT_READER, find_bundle, find_reader
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import SEPARATOR

HERE = Path(__file__).parent
MINI = "edgelingua-mini"
EHPC = Contender("EHPC", "ehpc", "scorer", asks=True)
CPC = Contender("CPC", "cpc", asks=True)
RANKED = Contender("BM25 passages, then edgelingua-mini", "llmlingua2_question", "mini", asks=True)
READ = ("whole", "truncate", "bm25", "cpc", "ehpc", "mini", "mini-question")
"""Methods whose texts the reader is asked about."""

TOLD = ("random", "selective_context", "llmlingua", "question_aware", "longllmlingua")
"""Methods whose texts ``--texts`` gets beside those that ``survival.jsonl`` has rows of."""

RATE, WRITTEN = 0.2, 0.33
"""Share of the tokens that the reader gets, and that scope may write."""


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--heads", help="scorer bundle that names its heads; without it no ehpc")
    parser.add_argument("--texts", type=Path, help="file for what a larger reader is to read")
    parser.add_argument("--reader", type=Path, help="a GGUF file; without one nothing is answered")
    parser.add_argument("--sets", default="nq,hotpotqa,squad")
    parser.add_argument("--cases", type=int, default=50, help="of each set")
    parser.add_argument("--written", type=int, default=0, help="cases of SQuAD for scope")
    parser.add_argument("--told", type=int, default=150, help="cases of SQuAD for --texts")
    parser.add_argument("--answered", type=int, default=20, help="cases of SQuAD that are read")
    options = parser.parse_args()
    count = LlamaModel(find_reader(DEFAULT_READER), vocabulary_only=True).count
    bundles = {"llmlingua2_question": MINI, "cpc": "edgelingua-sentence"}
    runners = {
        "llmlingua2_question": Runner(RANKED, MINI, count),
        "cpc": Runner(CPC, find_bundle(bundles["cpc"]), count),
    }
    if options.heads:
        runners["ehpc"], bundles["ehpc"] = Runner(EHPC, options.heads, count), options.heads
    names = options.sets.split(",")
    survive(runners, bundles, {name: draw(name, options.data, options.cases) for name in names})
    if options.texts:
        for name in TOLD:
            needs = CONTENDERS[name].needs
            runners[name] = Runner(CONTENDERS[name], SCORER if needs else None, count)
        tell(runners, draw("squad", options.data, options.told), Rows(options.texts, KEY))
    if options.reader is None:
        return
    for name in ("truncate", "bm25", "mini", "mini-question"):
        runners[name] = Runner(CONTENDERS[name], MINI if CONTENDERS[name].needs else None, count)
    answers = Rows(HERE / "answers.jsonl", (*KEY, "reader"))
    reader, of = LlamaModel(options.reader, threads=1), of_file(options.reader)
    write(reader, of, draw("squad", options.data, options.written), count)
    for number, case in enumerate(draw("squad", options.data, options.answered)):
        for method in READ:
            if answers.has("squad", method, number, of) or method not in {"whole", *runners}:
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


def survive(
    runners: Mapping[str, Runner], bundles: Mapping[str, str], cases: Mapping[str, list[Case]]
) -> None:
    """Add what is not in ``survival.jsonl`` of these methods and cases."""
    rows = Rows(HERE / "survival.jsonl", KEY)
    for name, some in cases.items():
        for number, case in enumerate(some):
            for method, runner in runners.items():
                made = of_bundle(bundles[method])
                if not rows.has(name, method, number, weights=made):
                    kept = measured(case, runner.outcomes(case.passages, case.question))
                    where = {"set": name, "method": method, "case": number, "weights": made}
                    rows.add({**where, **kept, "peak_mb": peak(), "machine": machine()["cpu"]})
                    print(name, method, number, flush=True, file=sys.stderr)


def tell(runners: Mapping[str, Runner], cases: list[Case], texts: Rows) -> None:
    """Add what each method makes of each case, one method after the other."""
    for method, runner in runners.items():
        for number, case in enumerate(cases):
            if not texts.has("squad", method, number):
                kept = context(runner.compress(case.passages, case.question, RATE))
                texts.add({"set": "squad", "method": method, "case": number, "texts": [kept]})
        print("told", method, flush=True, file=sys.stderr)


def write(reader: LlamaModel, of: str, cases: list[Case], count: Count) -> None:
    """Add a row to ``scope.jsonl`` for each case: what the reader wrote, extracted and answered."""
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
        told = read(reader, text, case, plain=False)
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
                "f1": told["f1"],
                "tokens_in": made.tokens_in,
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
