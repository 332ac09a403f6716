"""What `benchmarks.quality.multi` found, as tables.

python -m benchmarks.quality.multi_tables > benchmarks/quality/multi.md
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benchmarks.quality.compare import interval
from benchmarks.quality.multi import ENGLISH, KEY, METHODS
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.survival import RATES
from benchmarks.quality.tables import table

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
BM25 reads words, and of those in other letters than Latin runs of four letters too; where a script
has no spaces, characters and pairs of them, and where it has no full stop (Thai), a line is a
sentence.
"""


def main() -> None:
    """Print the tables."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    rows = Rows(Path(__file__).parent / "results" / "multi.jsonl", KEY)
    by: dict[tuple[str, str], dict[int, Row]] = {}
    for row in rows:
        by.setdefault((row["set"], row["method"]), {})[row["case"]] = row
    settings = list(dict.fromkeys(row["set"] for row in rows))
    groups = {
        "Languages": [s for s in settings if "-" not in s and s not in ENGLISH],
        "Left out of training's files": [s for s in settings if s.endswith(("-mlqa", "-tydi"))],
        "Questions in other languages": [s for s in settings if s.startswith("x-")],
        "English, the sets of edgelingua-mini": [s for s in settings if s in ENGLISH],
    }
    print(TEXT)
    for title, names in groups.items():
        print(f"## {title}\n\n{_table(by, names)}\n")


def _table(by: dict[tuple[str, str], dict[int, Row]], settings: Sequence[str]) -> str:
    head = ["setting", "n", "method", *map(str, SHOWN)]
    lines = []
    for setting in settings:
        have = [m for m in METHODS if (setting, m) in by]
        cases = sorted(set.intersection(*(set(by[setting, m]) for m in have)))
        for method in have:
            values = np.asarray([by[setting, method][case]["answer"] for case in cases], float)
            low, high = interval(values)
            cells = [
                f"{100 * values[:, at].mean():.0f} ({100 * low[at]:.0f} to {100 * high[at]:.0f})"
                for at in map(RATES.index, SHOWN)
            ]
            first = method == have[0]
            lines.append([setting if first else "", str(len(cases)) if first else "",
                          METHODS[method].label, *cells])  # fmt: skip
    return table(head, lines)


if __name__ == "__main__":
    main()
