"""The second pass that is chosen by itself: what survives with it, and what time it takes.

    python -m benchmarks.quality.hops --data DIR --rows FILE --jobs 2 [--reader tokenizer.json]
    python -m benchmarks.quality.hops --rows FILE --table

A row is a question, asked without it, with it, and at the default, by which documents that have
nothing to say get nothing: ``none``, ``auto`` and ``default`` say at which of `RATES` the answer
survives, ``cpu`` what they took at the last rate, seconds of the processor, each the least of
three. What the choice goes by was chosen on questions of an even number (``case``); the table shows
both halves.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from functools import lru_cache
from multiprocessing import Pool
from pathlib import Path
from statistics import mean, median

import numpy as np
from benchmarks.common.weights import of_bundle
from benchmarks.quality.compare import interval
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.sets import Case, draw
from benchmarks.quality.survival import survives
from numpy.typing import NDArray

from edgelingua import Budget, Prompt, load_compressor
from edgelingua.budget import Count
from edgelingua.compressors import Pruner
from edgelingua.models.registry import DEFAULT_READER, find_reader
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import SEPARATOR
from edgelingua.text.counting import counter

KEY = ("bundle", "set", "case")
RATES = (0.2, 0.1, 0.05)
SETS = ("nq", "squad", "hotpotqa", "musique", "2wikimultihop")
_TIMES = 3


def main() -> None:
    """Measure what is not there yet, or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the development sets")
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--bundle", default="edgelingua-mini")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--cases", type=int, default=150, help="of each set")
    parser.add_argument("--reader", default="", help="whose tokens count; or a tokenizer.json")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    rows = Rows(options.rows, KEY)
    if options.table:
        print(tables(list(rows)))
        return
    weights, sets = of_bundle(options.bundle), options.sets.split(",")
    work = [
        (options.bundle, options.reader, name, number, case)
        for name in sets
        for number, case in enumerate(draw(name, options.data, options.cases))
        if not rows.has(options.bundle, name, number, weights=weights)
    ]
    with Pool(options.jobs) as pool:
        for row in pool.imap_unordered(measured, work, chunksize=4):
            rows.add({**row, "weights": weights})


def measured(work: tuple[str, str, str, int, Case]) -> Row:
    """Compress a question's passages without a second pass, with one, and at the default."""
    bundle, reader, name, number, case = work
    count, default = _loaded(bundle, reader)
    auto = default.with_options(document_rate=1)
    none = auto.with_options(second_pass=False)
    prompt = Prompt.build(case.passages, question=case.question)
    tokens = count(prompt.text[: prompt.layout.compressible[1]])
    beside = count(SEPARATOR + case.question)
    row: dict[str, object] = {"bundle": bundle, "set": name, "case": number}
    budgets = [
        Budget(tokens=max(1, Budget(rate=rate).limit(tokens)) + beside, count=count)
        for rate in RATES
    ]
    spent = []
    for kind, pruner in (("none", none), ("auto", auto), ("default", default)):
        row[kind] = [
            int(survives(pruner.compress(prompt, budget), case.answers)) for budget in budgets
        ]
        spent.append(_seconds(pruner, prompt, budgets[-1]))
    return {**row, "cpu": [round(seconds, 4) for seconds in spent]}


def tables(rows: Sequence[Row]) -> str:
    """Return what survives at each rate and the time, then intervals and both halves."""
    short = [
        "| %, rates 0.2 · 0.1 · 0.05 | n | without | by itself | fewer documents | time |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    long = [
        "| % | without | by itself | fewer documents | even half | odd half | time: mean, median |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for bundle, name in dict.fromkeys((row["bundle"], row["set"]) for row in rows):
        some = [row for row in rows if (row["bundle"], row["set"]) == (bundle, name)]
        times = [row["cpu"][1] / row["cpu"][0] for row in some]
        halves = [[row for row in some if row["case"] % 2 == half] for half in (0, 1)]
        short.append(
            f"| {bundle}, {name} | {len(some)} | {_shares(some, 'none')} "
            f"| {_shares(some, 'auto')} | {_shares(some, 'default')} | {mean(times):.2f}x |"
        )
        long.append(
            f"| {bundle}, {name} | {_shares(some, 'none', intervals=True)} "
            f"| {_shares(some, 'auto', intervals=True)} "
            f"| {_shares(some, 'default', intervals=True)} | {_gain(halves[0])} "
            f"| {_gain(halves[1])} | {mean(times):.2f}x, {median(times):.2f}x |"
        )
    return "\n".join([*short, "", *long])


def _seconds(pruner: Pruner, prompt: Prompt, budget: Budget) -> float:
    found = []
    for _ in range(_TIMES):
        begin = time.process_time()
        pruner.compress(prompt, budget)
        found.append(time.process_time() - begin)
    return min(found)


@lru_cache(maxsize=1)
def _loaded(bundle: str, reader: str) -> tuple[Count, Pruner]:
    count = counter(reader or find_reader(DEFAULT_READER))
    return count, load_compressor("llmlingua2", bundle, options=RunOptions(threads=1))


def _kept(rows: Sequence[Row], kind: str) -> NDArray[np.float64]:
    """Percent: 100 where the answer survives, a row a question, a column a rate."""
    return 100 * np.asarray([row[kind] for row in rows], dtype=np.float64)


def _shares(rows: Sequence[Row], kind: str, *, intervals: bool = False) -> str:
    kept = _kept(rows, kind)
    shares = [f"{share:.1f}" for share in kept.mean(axis=0)]
    if intervals:
        bounds = interval(kept).T.tolist()
        shares = [
            f"{share} [{low:.0f}–{high:.0f}]"
            for share, (low, high) in zip(shares, bounds, strict=True)
        ]
    return " · ".join(shares)


def _gain(rows: Sequence[Row]) -> str:
    """Points that are gained at each rate."""
    gained = (_kept(rows, "auto") - _kept(rows, "none")).mean(axis=0)
    return " · ".join(f"{points:+.1f}" for points in gained)


if __name__ == "__main__":
    main()
