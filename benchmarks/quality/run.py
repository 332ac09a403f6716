"""Answers that survive compression: every method on every set, through the runtime's own API.

    python -m benchmarks.quality.run --data DIR --texts FILE --cases 40 --methods bm25,mini-question

Cases are drawn with a fixed seed, so that every method meets the same ones. Adds a line to
``results/survival.jsonl`` for each set, method and case, and leaves out what is there already, made
with the same weights. A text that several questions are about is compressed once for all of them by
a method that is not shown the question. The compressed contexts go to ``--texts``, for
`benchmarks.quality.reader`. Budgets count the tokens of ``--reader``. One thread; ``--shard 0/8``
does every eighth text, into files of its own that `benchmarks.quality.merge` puts together.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.machine import machine
from benchmarks.common.shards import Shard, in_turn
from benchmarks.quality.methods import CONTENDERS, Outcome, Runner
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.sets import Case, draw
from benchmarks.quality.survival import recall, survives
from benchmarks.quality.tables import SETS

from edgelingua.models.registry import DEFAULT_READER, find_reader
from edgelingua.text.counting import counter

HERE = Path(__file__).parent
SCORER = "smollm2-135m-instruct-scorer"
KEY = ("set", "method", "case")


def main() -> None:
    """Compress what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--texts", type=Path, required=True, help="file for compressed contexts")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "survival.jsonl")
    parser.add_argument("--known", type=Path, help="results of before, not to be made again")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--methods", default=",".join(CONTENDERS))
    parser.add_argument("--cases", type=int, default=100, help="of each set")
    parser.add_argument("--shard", type=Shard.parse, default=Shard(), metavar="I/N")
    parser.add_argument("--scorer", default=SCORER, help="bundle of the causal LM")
    parser.add_argument("--mini", default="edgelingua-mini", help="its bundle")
    parser.add_argument("--nano", default="edgelingua-nano", help="its bundle")
    parser.add_argument(
        "--reader", default=DEFAULT_READER, help="whose tokens are counted; or a tokenizer.json"
    )
    options = parser.parse_args()
    is_file = Path(options.reader).is_file()
    count = counter(options.reader if is_file else find_reader(options.reader))
    bundles = {
        "scorer": options.scorer,
        "mini": options.mini,
        "nano": options.nano,
        "multi": "edgelingua-multi",
        "sentence": "edgelingua-sentence",
    }
    chosen = {name: CONTENDERS[name] for name in options.methods.split(",")}
    made_with = {name: each.weights(bundles) for name, each in chosen.items()}
    options.results.parent.mkdir(parents=True, exist_ok=True)
    setting = options.results.with_name("machine.json")
    setting.write_text(json.dumps(machine(), indent=1) + "\n", encoding="utf-8")
    results, texts = Rows(options.results, KEY, options.known), Rows(options.texts, KEY)
    cases = {name: draw(name, options.data, options.cases) for name in options.sets.split(",")}
    runners: dict[str, Runner] = {}
    for asks in (True, False):
        groups = {name: grouped(some, apart=asks) for name, some in cases.items()}
        turns = in_turn({name: len(some) for name, some in groups.items()})
        for name, at in options.shard.of(turns):
            for method in [method for method, each in chosen.items() if each.asks == asks]:
                made = made_with[method]
                missing = [
                    number
                    for number in groups[name][at]
                    if not results.has(name, method, number, weights=made)
                ]
                if not missing:
                    continue
                if method not in runners:
                    needs = chosen[method].needs
                    runners[method] = Runner(
                        chosen[method], bundles[needs] if needs else None, count
                    )
                case = cases[name][missing[0]]
                outcomes = runners[method].outcomes(case.passages, case.question)
                kept = [context(outcome) for outcome in outcomes]
                for number in missing:
                    where = {"set": name, "method": method, "case": number, "weights": made}
                    if cases[name][number].answers:
                        texts.add({**where, "texts": kept})
                    results.add({**where, **measured(cases[name][number], outcomes)})
                print(name, method, *missing, flush=True, file=sys.stderr)


def grouped(cases: Sequence[Case], *, apart: bool) -> list[list[int]]:
    """Numbers of the cases whose texts are the same; ``apart``: each by itself."""
    groups: dict[object, list[int]] = {}
    for number, case in enumerate(cases):
        groups.setdefault(number if apart else case.passages, []).append(number)
    return list(groups.values())


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
