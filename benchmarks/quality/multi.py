"""Answers that survive compression in many languages: edgelingua-multi beside what else there is.

    python -m benchmarks.quality.multi --data DIR --multi models/edgelingua-multi --cases 100

Each question is asked of ten passages of its language: its own and the BM25-nearest without an
answer. An answer survives when a place where it stands in a passage is kept whole. Budgets count
the pieces of edgelingua-multi's tokenizer, for all methods. Adds a line to ``results/multi.jsonl``
for each setting, method and question; what is there, made with the same weights, is left out.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.common.shards import Shard
from benchmarks.common.weights import of_bundle
from benchmarks.quality import sets
from benchmarks.quality.languages import Asked, draw
from benchmarks.quality.methods import Contender, Runner
from benchmarks.quality.rows import Rows

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressed import Compressed

HERE = Path(__file__).parent
KEY = ("set", "method", "case")
METHODS = {
    "multi": Contender("edgelingua-multi", "llmlingua2", asks=True),
    "mini": Contender("edgelingua-mini", "llmlingua2", asks=True),
    "bm25": Contender("BM25 sentences", "bm25", asks=True),
    "truncate": Contender("truncation", "truncate"),
}
ENGLISH = ("nq", "hotpotqa", "squad")


def main() -> None:
    """Compress what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with dev and train")
    parser.add_argument("--multi", type=Path, required=True, help="bundle of edgelingua-multi")
    parser.add_argument("--mini", default="edgelingua-mini", help="its bundle")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--settings", help="languages and sets; default: all")
    parser.add_argument("--cases", type=int, default=100, help="of each")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "multi.jsonl")
    parser.add_argument("--shard", type=Shard.parse, default=Shard(), metavar="I/N")
    options = parser.parse_args()
    bundles = {"multi": options.multi, "mini": options.mini}
    asked = draw(options.data, options.cases) | english(options.data / "dev", options.cases)
    if options.settings:
        asked = {setting: asked[setting] for setting in options.settings.split(",")}
    measure(asked, options.methods.split(","), bundles, options.results, options.shard)


def measure(
    asked: Mapping[str, Sequence[Asked]],
    methods: Sequence[str],
    bundles: Mapping[str, str | Path],
    results: Path,
    shard: Shard,
) -> None:
    """Compress each setting's questions with each method; add what the results lack.

    ``bundles``: of the methods that have one; the tokenizer of ``multi`` counts for all.
    """
    count = ModelBundle.open(bundles["multi"]).tokenizer().count
    found = Rows(results, KEY)
    for method in methods:
        made = of_bundle(bundles[method]) if method in bundles else ""
        runner = Runner(METHODS[method], bundles.get(method), count)
        # In turns, so that an early end leaves some of all.
        todo = [
            (setting, number, cases[number])
            for number in range(max(map(len, asked.values())))
            for setting, cases in asked.items()
            if number < len(cases)
        ]
        for setting, number, case in shard.of(todo):
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
