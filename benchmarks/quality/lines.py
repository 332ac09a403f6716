"""Lines that are needed: how many of them compression keeps of logs, tables, code and CI output.

    python -m benchmarks.quality.lines --data DIR --cases 60 --methods mini,bm25-lines

``--data`` is the folder of the development sets; ``lines_*.jsonl.gz`` under ``multi`` have rows
``{question, lines, relevant}``. Adds a line to ``results/lines.jsonl`` for each set, method and
case, and leaves out what is there already, made with the same weights. A case counts at a rate
where its needed lines have room in it: those of a table of six lines have none in a fifth of it.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.common.weights import of_bundle
from benchmarks.faithfulness.contenders import CONTENDERS, Runner
from benchmarks.quality.rows import Rows
from benchmarks.quality.run import HERE
from benchmarks.quality.sets import rows_of, shuffled

from edgelingua import Prompt
from edgelingua.errors import BudgetError
from edgelingua.models.registry import DEFAULT_READER, find_reader
from edgelingua.text.counting import counter
from edgelingua.text.ranges import Spans

RATES = (0.5, 0.2, 0.1)
KEY = ("set", "method", "case")
LONGEST = 40_000
"""Characters of a case."""


@dataclass(frozen=True)
class Case:
    """Lines, a question about them, and which of them it needs."""

    question: str
    lines: tuple[str, ...]
    relevant: tuple[int, ...]

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)


def sets(data: Path) -> dict[str, Path]:
    """Files of the development sets, by name."""
    found = sorted((data / "multi").glob("lines_*.jsonl.gz"))
    return {path.name.removeprefix("lines_").partition(".")[0]: path for path in found}


def draw(path: Path, count: int) -> list[Case]:
    """Draw cases with a fixed seed; none without needed lines or longer than `LONGEST`."""
    cases = [Case(r["question"], tuple(r["lines"]), tuple(r["relevant"])) for r in rows_of(path)]
    return shuffled([c for c in cases if c.relevant and len(c.text) <= LONGEST], count)


def main() -> None:
    """Compress what is not among the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--sets", default="", help="names; all if empty")
    parser.add_argument("--methods", default="default,bm25-lines")
    parser.add_argument("--bundle", default="edgelingua-mini")
    parser.add_argument("--cases", type=int, default=60, help="of each set")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "lines.jsonl")
    options = parser.parse_args()
    count = counter(find_reader(DEFAULT_READER))
    results, weights = Rows(options.results, KEY), of_bundle(options.bundle)
    runners = {m: Runner(CONTENDERS[m], options.bundle, count) for m in options.methods.split(",")}
    for name, path in sets(options.data).items():
        if options.sets and name not in options.sets.split(","):
            continue
        for number, case in enumerate(draw(path, options.cases)):
            need = count("\n".join(case.lines[i] for i in case.relevant)) / count(case.text)
            for method, runner in runners.items():
                if not results.has(name, method, number, weights=weights):
                    where = {"set": name, "method": method, "case": number, "weights": weights}
                    found = measured(case, runner)
                    results.add({**where, "need": round(need, 4), "kept": found})
        print(name, flush=True, file=sys.stderr)


def measured(case: Case, runner: Runner) -> list[float]:
    """Return the share of the needed lines that stays, at each of `RATES`."""
    runner.forget()
    prompt = Prompt.build(case.text, question=case.question)
    shares = []
    for rate in RATES:
        try:
            found = kept(case, runner.compress(prompt, rate).spans)
        except BudgetError:
            found = set()
        shares.append(round(len(found.intersection(case.relevant)) / len(case.relevant), 4))
    return shares


def kept(case: Case, spans: Spans) -> set[int]:
    """Return the lines of which nine tenths of the characters that are no blanks stay."""
    text = case.text
    mask = np.zeros(len(text), dtype=bool)
    for start, end in spans.tolist():
        mask[start:end] = True
    found, place = set(), 0
    for number, line in enumerate(case.lines):
        ink = [i for i in range(place, place + len(line)) if not text[i].isspace()]
        if ink and mask[ink].mean() >= 0.9:
            found.add(number)
        place += len(line) + 1
    return found


if __name__ == "__main__":
    main()
