"""Answers that survive compression in many languages: edgelingua-multi beside what else there is.

    python -m benchmarks.quality.multi --data DIR

Each question is asked of ten passages of its language: its own and the BM25-nearest without an
answer. An answer survives when a place where it stands in a passage is kept whole. Budgets count
the pieces of edgelingua-multi's tokenizer, for all methods. Adds a line to ``results/multi.jsonl``
for each setting, method and question; what is there, made with the same weights, is left out.
`benchmarks.quality.drawn` says how to run it in parts.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.weights import of_bundle
from benchmarks.quality import drawn, sets
from benchmarks.quality.languages import Asked, draw
from benchmarks.quality.methods import Contender, Runner
from benchmarks.quality.rows import Rows

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressed import Compressed
from edgelingua.models.registry import find_bundle

HERE = Path(__file__).parent
KEY = ("set", "method", "case")
METHODS = {
    "shipped": Contender("by the language", "llmlingua2", asks=True, second_pass=None),
    "multi": Contender("edgelingua-multi", "llmlingua2", "multi", asks=True, second_pass=None),
    "mini": Contender("edgelingua-mini", "llmlingua2", "mini", asks=True, second_pass=None),
    "bm25": Contender("BM25 sentences", "bm25", asks=True),
    "truncate": Contender("truncation", "truncate"),
}
RUNS_ON = {"shipped": ("mini", "multi"), "multi": ("multi",), "mini": ("mini",)}
"""Bundles of the methods that have any."""
SHOWN = ("multi", "mini", "bm25", "truncate")
ENGLISH = ("nq", "hotpotqa", "squad")
CASES = 100
"""Of each setting, where nothing else is said."""


def main() -> None:
    """Compress what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with dev and train")
    drawn.add_arguments(parser, HERE / "results" / "multi.jsonl", SHOWN)
    options = parser.parse_args()
    if not (options.data or options.drawn):
        parser.error("--data or --drawn is needed")

    def everything() -> drawn.Drawn:
        size = options.cases or CASES
        return draw(options.data, size) | english(options.data / "dev", size)

    measure(drawn.questions(options, everything), options)


def measure(asked: drawn.Drawn, options: argparse.Namespace) -> None:
    """Compress each setting's questions with each method; add what the results lack.

    ``options``: of `drawn.add_arguments`. The tokenizer of edgelingua-multi counts for all.
    """
    if not asked:
        return
    bundles = {"multi": options.multi, "mini": options.mini}
    count = ModelBundle.open(find_bundle(str(options.multi))).tokenizer().count
    found = Rows(options.results, KEY)
    for method in options.methods.split(","):
        made = "+".join(of_bundle(bundles[name]) for name in RUNS_ON.get(method, ()))
        runner = Runner(METHODS[method], bundles.get(method), count)
        # In turns, so that an early end leaves some of all.
        todo = [
            (setting, number, cases[number])
            for number in range(max(map(len, asked.values()), default=0))
            for setting, cases in asked.items()
            if number < len(cases)
        ]
        for setting, number, case in options.shard.of(todo):
            if found.has(setting, method, number, weights=made):
                continue
            outcomes = runner.outcomes(case.passages, case.question)
            found.add({
                "set": setting, "method": method, "case": number, "weights": made,
                "lang": case.lang, "qlang": case.qlang, "passages": len(case.passages),
                "tokens_in": outcomes[0].compressed.tokens_in,
                "tokens": [outcome.compressed.tokens_out for outcome in outcomes],
                "cpu": round(outcomes[0].cpu_seconds, 3),
                "answer": [int(survives(o.compressed, case)) for o in outcomes],
            })  # fmt: skip
        print(method, file=sys.stderr, flush=True)


def english(data: Path, size: int) -> dict[str, list[Asked]]:
    """The sets of `benchmarks.quality.sets` that one bundle of any language has to know."""
    return {
        name: [
            Asked("en", "en", name, case.question, case.passages, case.answers)
            for case in sets.draw(name, data, size)
        ]
        for name in ENGLISH
    }


def survives(compressed: Compressed, case: Asked) -> bool:
    """Whether some answer stands whole in what was kept of the passages."""
    kept = [(int(a), int(b)) for a, b in compressed.spans]
    text = compressed.prompt.text[: compressed.prompt.layout.compressible[1]]
    return any(
        any(a <= start and end <= b for a, b in kept)
        for start, end in places(text, case.answers, whole=case.file in ENGLISH)
    )


def places(text: str, answers: Sequence[str], *, whole: bool) -> list[tuple[int, int]]:
    """Where answers stand, case ignored; ``whole``: as whole words.

    Many languages write something right behind a word, and some no space at all.
    """
    if whole:
        return [place for answer in answers for place in sets.found(text, answer)]
    return [
        match.span()
        for answer in answers
        if answer
        for match in re.finditer(re.escape(answer), text, re.IGNORECASE)
    ]


if __name__ == "__main__":
    main()
