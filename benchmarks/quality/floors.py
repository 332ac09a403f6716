"""How far down the ranking an answer stands: what a floor is calibrated on, and tried on.

    python -m benchmarks.quality.floors --data DIR --rows FILE --sets nq,squad --cases 300

Adds a line to ``--rows`` for each question: the score of the last unit that has to be kept for the
answer to survive (``needs``; none where it never does), the scores of all units, and the tokens
that are kept down to some of them. Scores are made once and selected from, so that a question takes
a second. One thread. `benchmarks.quality.floor_tables` makes constants and tables of the rows.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.quality import floor_sets
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.sets import Case
from benchmarks.quality.survival import survives

from edgelingua import Budget, LlamaModel, Prompt, load_compressor
from edgelingua.compressed import Compressed
from edgelingua.compressors import TokenPruner
from edgelingua.models.registry import DEFAULT_READER, find_reader
from edgelingua.ort.session import RunOptions
from edgelingua.selection.fit import fit, room_for
from edgelingua.selection.units import units_of

KEY = ("bundle", "set", "case")
SHARES = (0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7, 1.0)
"""Of the units, the best of which are kept."""


def main() -> None:
    """Score and select what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--bundle", default="edgelingua-mini")
    parser.add_argument("--sets", default=",".join(floor_sets.SETS))
    parser.add_argument("--cases", type=int, default=300, help="of each set")
    options = parser.parse_args()
    count = LlamaModel(find_reader(DEFAULT_READER), vocabulary_only=True).count
    pruner = load_compressor(
        "llmlingua2", options.bundle, count=count, options=RunOptions(threads=1)
    )
    if not isinstance(pruner, TokenPruner):
        raise SystemExit(f"{options.bundle}: not a classifier")
    rows = Rows(options.rows, KEY)
    for name in options.sets.split(","):
        for number, case in enumerate(floor_sets.draw(name, options.data, options.cases)):
            if not rows.has(options.bundle, name, number):
                where = {"bundle": options.bundle, "set": name, "case": number}
                rows.add({**where, **measured(pruner, case)})
        print(name, file=sys.stderr, flush=True)


def measured(pruner: TokenPruner, case: Case) -> Row:
    """Fields of a row."""
    prompt = Prompt.build(case.passages, question=case.question)
    room = room_for(prompt, Budget(rate=1), pruner.count)
    scored = pruner.scored(prompt, None, second_pass=False)
    unit = next(iter(scored.values())).unit
    units = units_of(prompt, scored, pruner.rules)
    ranked = units.ranked

    def down_to(rank: int) -> Compressed:
        return fit(prompt, units.above(float(ranked[rank])), room, unit)

    question = pruner.count(case.question)
    ranks = sorted({max(1, round(share * len(ranked))) - 1 for share in SHARES})
    tried = [down_to(rank) for rank in ranks]
    row: Row = {
        "tokens_in": room.tokens_in - question,
        "scores": [round(float(score), 4) for score in ranked],
        "curve": [
            [round(float(ranked[rank]), 4), each.tokens_out - question]
            for rank, each in zip(ranks, tried, strict=True)
        ],
    }
    if not case.answers:
        return row
    kept = [survives(each, case.answers) for each in tried]
    # From here on it survives, whatever else is kept.
    first = len(kept) - next((i for i, k in enumerate(reversed(kept)) if not k), len(kept))
    if first == len(kept):
        return {**row, "needs": None}
    low, high = ranks[first - 1] if first else -1, ranks[first]
    while high - low > 1:
        middle = (low + high) // 2
        survived = survives(down_to(middle), case.answers)
        low, high = (low, middle) if survived else (middle, high)
    return {**row, "needs": round(float(ranked[high]), 4)}


if __name__ == "__main__":
    main()
