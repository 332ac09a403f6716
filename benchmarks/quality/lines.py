"""Lines that are needed: how many of them compression keeps of logs, tables, code and CI output.

    python -m benchmarks.quality.lines --data DIR --cases 60
    python -m benchmarks.quality.lines --table > benchmarks/quality/lines.md

``--data`` is the folder of the development sets; ``lines_*.jsonl.gz`` under ``multi`` have rows
``{question, lines, relevant}``. Adds a line to ``results/lines.jsonl`` for each set, method and
case, and leaves out what is there already, made with the same weights. A case counts at a rate
where its needed lines have room in it: those of a table of six lines have none in a fifth of it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.common.weights import of_bundle
from benchmarks.faithfulness.contenders import CONTENDERS, Runner
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.run import HERE
from benchmarks.quality.sets import rows_of, shuffled
from benchmarks.quality.tables import table

from edgelingua import Prompt
from edgelingua.errors import BudgetError
from edgelingua.models.registry import DEFAULT_READER, find_reader
from edgelingua.text.counting import counter
from edgelingua.text.ranges import Spans

RATES = (0.5, 0.2, 0.1)
KEY = ("set", "method", "case")
LONGEST = 40_000
"""Characters of a case."""
ROOM = 0.9
"""Share of the budget that the needed lines take at most, where a case counts."""

TEXT = """# Needed lines that stay

Share (%) of the lines that a question needs of logs, tables and code, which are still there at a
rate of 0.5, 0.2 and 0.1; in brackets the cases: those whose needed lines have room. A line is there
if nine tenths of its characters are. `edgelingua-mini` with everything at its default, beside BM25
of lines (`grep` that knows how rare a word is). Made by `benchmarks/quality/lines.py` from
`results/lines.jsonl`; the sets are named in the models' cards.

The share of a program that a statement may have, and what rows weigh that a question compares,
were chosen among three settings each on these same cases: gains of three or four points by them
are no more than chance.

What falls short of 90 %, by failures that were read (12, 10, 7 and 9 of these sets):

- **DebugBench** (programs with a bug; needed: the lines that differ from the mended program). The
  question tells what is wrong (*the loop does not execute*), not where. Of 511 needed lines of 300
  programs one in eight is a bracket alone, and 58 % of the others share no word with the question:
  to find them is to understand the program. A fifth of a text holds a fifth of its lines by chance;
  neither the model nor BM25 does much better. Give a program that has a bug whole.
- **TAT-QA** (tables of annual reports). Six need several rows of which the question names one (*as
  a percentage of the total*, and the row of the total has no name), two a running title that says
  nothing about the answer. A row never stays without the header of its table, so that its figures
  are not taken for others: where both do not fit, neither stays. That is every second case at 0.1,
  where BM25, which leaves headers away, is ahead.
- **FeTaQA** (tables of Wikipedia). In short ones header and row are more than a fifth; others ask
  about all of a table (*did he reprise any roles?*).
- **WikiTables**. A row counts as needed if one of its cells is the answer, whatever the column.
  Rows that are compared (*which city has the least area?*) are guessed: the ends of each column of
  numbers and of the table, and the row beside the one that is named (*who was next?*).
"""


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
    parser.add_argument("--data", type=Path, help="folder of the development sets")
    parser.add_argument("--sets", default="", help="names; all if empty")
    parser.add_argument("--methods", default="default,bm25-lines")
    parser.add_argument("--bundle", default="edgelingua-mini")
    parser.add_argument("--cases", type=int, default=60, help="of each set")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "lines.jsonl")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if options.table:
        print(f"{TEXT}\n{results_table(list(Rows(options.results, KEY)))}")
        return
    if options.data is None:
        parser.error("--data is needed to measure")
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


def results_table(rows: Sequence[Row]) -> str:
    """Lay out the means of each set and method, of the cases that have room."""
    lines = []
    for name, method in dict.fromkeys((row["set"], row["method"]) for row in rows):
        mine = [row for row in rows if (row["set"], row["method"]) == (name, method)]
        cells = []
        for at, rate in enumerate(RATES):
            kept_share = [row["kept"][at] for row in mine if row["need"] <= ROOM * rate]
            mean = f"{100 * float(np.mean(kept_share)):.0f}" if kept_share else "–"
            cells.append(f"{mean} ({len(kept_share)})")
        lines.append([name, CONTENDERS[method].label, *cells])
    return table(["set", "method", *map(str, RATES)], sorted(lines))


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
