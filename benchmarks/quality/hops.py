"""The second pass that is chosen by itself, and fewer documents: what survives, and the time.

    python -m benchmarks.quality.hops

Reads ``results/survival.jsonl`` (`benchmarks.quality.run`): edgelingua-mini in one pass over every
document, with the second pass that it chooses by itself, and at its default, by which documents
that have nothing to say get nothing. What its choices go by was chosen on questions of an even
number (``case``); the second table shows both halves.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from operator import itemgetter
from statistics import mean, median

import numpy as np
from benchmarks.quality.compare import interval
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.run import HERE, KEY
from benchmarks.quality.survival import RATES
from benchmarks.quality.tables import table
from numpy.typing import NDArray

SETS = ("nq", "squad", "hotpotqa", "musique", "2wikimultihop")
KINDS = {
    "mini-one-pass": "without",
    "mini-every-document": "by itself",
    "mini-question": "fewer documents",
}
AT = [RATES.index(rate) for rate in (0.2, 0.1, 0.05)]


def main() -> None:
    """Write the tables."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    print(tables(list(Rows(HERE / "results" / "survival.jsonl", KEY))))


def tables(rows: Sequence[Row]) -> str:
    """Return what survives at each rate and the time, then intervals and both halves."""
    short, long = [], []
    for name in SETS:
        found = {kind: _of(rows, name, kind) for kind in KINDS}
        one, auto = found["mini-one-pass"], found["mini-every-document"]
        times = [a["cpu"][AT[-1]] / b["cpu"][AT[-1]] for a, b in zip(auto, one, strict=True)]
        halves = [_gain(one[half::2], auto[half::2]) for half in (0, 1)]
        short.append(
            [
                name,
                str(len(one)),
                *(_shares(some) for some in found.values()),
                f"{mean(times):.2f}x",
            ]
        )
        spread = (_shares(some, intervals=True) for some in found.values())
        long.append([name, *spread, *halves, f"{mean(times):.2f}x, {median(times):.2f}x"])
    kinds = list(KINDS.values())
    return "\n\n".join(
        [
            table(["%, rates 0.2 · 0.1 · 0.05", "n", *kinds, "time"], short),
            table(["%", *kinds, "even half", "odd half", "time: mean, median"], long),
        ]
    )


def _of(rows: Sequence[Row], name: str, kind: str) -> list[Row]:
    some = [row for row in rows if (row["set"], row["method"]) == (name, kind)]
    return sorted(some, key=itemgetter("case"))


def _kept(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Percent: 100 where the answer survives, a row a question, a column a rate."""
    return 100 * np.asarray([row["answer"] for row in rows], dtype=np.float64)[:, AT]


def _shares(rows: Sequence[Row], *, intervals: bool = False) -> str:
    kept = _kept(rows)
    shares = [f"{share:.1f}" for share in kept.mean(axis=0)]
    if intervals:
        bounds = interval(kept).T.tolist()
        shares = [
            f"{share} [{low:.0f}–{high:.0f}]"
            for share, (low, high) in zip(shares, bounds, strict=True)
        ]
    return " · ".join(shares)


def _gain(one: Sequence[Row], auto: Sequence[Row]) -> str:
    """Points that are gained at each rate by the second pass."""
    gained = (_kept(auto) - _kept(one)).mean(axis=0)
    return " · ".join(f"{points:+.1f}" for points in gained)


if __name__ == "__main__":
    main()
