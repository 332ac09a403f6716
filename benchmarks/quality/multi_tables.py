"""What `benchmarks.quality.multi` found, as tables.

python -m benchmarks.quality.multi_tables > benchmarks/quality/multi.md
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

import numpy as np
from benchmarks.quality.compare import common, interval
from benchmarks.quality.multi import ENGLISH, KEY, METHODS
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.survival import RATES
from benchmarks.quality.tables import SETS, table
from numpy.typing import NDArray

RESULTS = Path(__file__).parent / "results"

SHOWN = (0.5, 0.2, 0.1, 0.05)
TEXT = """# Answers that survive in many languages

Share (%) of questions whose answer stands whole in what is kept, at the share of the pieces (of
edgelingua-multi's tokenizer, for all methods) that is kept; through edgelingua with everything at
its default, all passages of a question together. Each question is asked of ten passages of its
language: its own and the nine BM25-nearest without an answer, in a fixed shuffle (*squad*: one).
An answer survives when some place where it stands in the passages is kept whole. Brackets: 95 %
bootstrap intervals. Made by `benchmarks/quality/multi.py` from `results/multi.jsonl`.

A language alone: development files of its sets, of which training saw other files; sets without a
licence, or with one that forbids derivatives or commerce, are only here. `-mlqa`, `-tydi`:
questions of the only files there are of German, Spanish, Hindi and Russian, left out of training by
their names, whose passages training did not see either. `x-`: questions in six other languages on
passages in this one, from the same file; a translation of the passage may have been seen.
BM25 takes words, where a script has no spaces characters, and where it has no full stop (Thai) a
line as a sentence.
"""
BESIDE_MINI = """From `results/survival.jsonl`, with the edgelingua-mini of today: budgets
count the tokens of SmolLM2, both read once; of QMSum's meetings it is the share of the evidence's
words.
"""


def main() -> None:
    """Print the tables."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    rows = list(Rows(RESULTS / "multi.jsonl", KEY))
    settings = list(dict.fromkeys(row["set"] for row in rows))
    groups = {
        "Languages": [s for s in settings if "-" not in s and s not in ENGLISH],
        "Left out of training's files": [s for s in settings if s.endswith(("-mlqa", "-tydi"))],
        "Questions in other languages": [s for s in settings if s.startswith("x-")],
    }
    print(TEXT)
    for title, names in groups.items():
        print(f"## {title}\n\n{results_table(rows, names)}\n")
    print(f"## English, the sets of edgelingua-mini\n\n{BESIDE_MINI}\n{_beside_mini()}\n")


def results_table(rows: Sequence[Row], settings: Sequence[str]) -> str:
    """Return what survives in each setting, a line a method, on the cases that all methods have."""
    by: dict[tuple[str, str], dict[int, Row]] = {}
    for row in rows:
        by.setdefault((row["set"], row["method"]), {})[row["case"]] = row
    head = ["setting", "n", "method", *map(str, SHOWN)]
    lines = []
    for setting in settings:
        have = [m for m in METHODS if (setting, m) in by]
        cases = sorted(set.intersection(*(set(by[setting, m]) for m in have)))
        for method in have:
            values = np.asarray([by[setting, method][case]["answer"] for case in cases], float)
            first = method == have[0]
            lines.append([setting if first else "", str(len(cases)) if first else "",
                          METHODS[method].label, *_cells(values)])  # fmt: skip
    return table(head, lines)


def _beside_mini() -> str:
    """English through multi and through mini on the same cases, and the difference."""
    rows, lines = list(Rows(RESULTS / "survival.jsonl", KEY)), []
    for name, (_, figure) in SETS.items():
        mine = [row for row in rows if row["set"] == name]
        found = common(mine, ("multi-question", "mini-question"), itemgetter(figure))
        multi, mini = found.values["multi-question"], found.values["mini-question"]
        for label, values in (("edgelingua-multi", multi), ("edgelingua-mini", mini)):
            lines.append(["", "", label, *_cells(values)])
        lines.append(["", "", "difference", *_cells(multi - mini, "+")])
        lines[-3][:2] = [name, str(len(found.cases))]
    return table(["set", "n", "method", *map(str, SHOWN)], lines)


def _cells(values: NDArray[np.float64], sign: str = "") -> list[str]:
    """Mean and interval, in %, at the rates that are shown; values ``(n, rates)``."""
    low, high = interval(values)
    return [
        f"{100 * values[:, at].mean():{sign}.0f} "
        f"({100 * low[at]:{sign}.0f} to {100 * high[at]:{sign}.0f})"
        for at in map(RATES.index, SHOWN)
    ]


if __name__ == "__main__":
    main()
