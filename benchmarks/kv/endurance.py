"""Memory and speed over a long text that a model writes under a cap.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.kv.endurance streaming "knorm, chunks"

Each policy writes 50,000 tokens in a process of its own; every 500 tokens its resident memory and
its speed become a row. The text passes the model's trained length several times, so positions are
closed up on the way. A policy that was not finished starts anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.common import svg
from benchmarks.kv.common import chosen, parser, policies, setting, weights
from benchmarks.kv.log import Log, Row, read_rows

from edgelingua import LlamaModel, Sampling
from edgelingua.models import registry
from edgelingua.system.measure import rss_mb

EVERY = 500
CELL = 23_040
"""Bytes of a cell of SmolLM2-135M in f16: keys and values of 3 heads of 64, in 30 layers."""
WARM = 2000
"""Tokens before which memory may still grow: buffers of the first evictions."""


def main() -> None:
    """Measure the policies named, each in a process of its own."""
    options = parser(__doc__, "endurance")
    options.add_argument("names", nargs="*", help="as in the tables")
    options.add_argument("--cap", type=int, default=512)
    options.add_argument("--tokens", type=int, default=50_000)
    options.add_argument("--here", action="store_true", help="measure in this process")
    arguments = options.parse_args()
    if arguments.here:
        write_on(arguments.names[0], arguments)
        return
    for name in [] if arguments.tables else arguments.names:
        rows = [row for row in read_rows(arguments.results) if row["name"] == name]
        if not any(row["tokens"] >= arguments.tokens for row in rows):
            rest = [argument for argument in sys.argv[1:] if argument not in arguments.names]
            command = [sys.executable, "-m", "benchmarks.kv.endurance", "--here", name, *rest]
            subprocess.run(command, check=True)
    rows = latest(read_rows(arguments.results))
    if rows:
        arguments.results.with_suffix(".md").write_text(table(rows), encoding="utf-8")
        plot(rows, arguments.results.with_suffix(".svg"))


def write_on(name: str, arguments: Any) -> None:
    """Let a model write, and look at the process every now and then."""
    if rss_mb() is None:
        raise SystemExit("the system does not say how much memory a process has: this needs Linux")
    reader = LlamaModel(registry.find_reader(arguments.reader), threads=arguments.threads)
    log = Log(arguments.results, setting(reader))
    [variant] = chosen(policies(arguments.cap), [name])
    session = reader.session(variant.cells(reader), variant.policy, cache=variant.cache)
    session.feed(reader.tokenize("Once upon a time", begin=True))
    sampler = reader.sampler(session, Sampling(temperature=1.0))
    run, started = os.getpid(), time.perf_counter()
    for count, _ in enumerate(session.generate(sampler, arguments.tokens, frozenset()), start=1):
        if count % EVERY == 0:
            now = time.perf_counter()
            log.add(
                {
                    **weights(reader),
                    "name": name,
                    "cap": arguments.cap,
                    "run": run,
                    "tokens": count,
                    "rss_mb": rss_mb(),
                    "tokens_per_second": round(EVERY / (now - started), 1),
                    "evicted": session.statistics.evicted,
                    "peak_cells": session.statistics.peak,
                }
            )
            started = time.perf_counter()


def latest(rows: list[Row]) -> list[Row]:
    """Rows of the last run of each policy."""
    last = {row["name"]: row["run"] for row in rows}
    return [row for row in rows if row["run"] == last[row["name"]]]


def table(rows: list[Row]) -> str:
    """First and last memory, the span between least and most, and the speed."""
    out = [
        f"| policy | cap | tokens | RSS at {WARM:,} | at the end | most − least | tokens/s |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(row["name"] for row in rows):
        mine = [row for row in rows if row["name"] == name]
        warm = [row["rss_mb"] for row in mine if row["tokens"] >= WARM]
        if not warm:
            continue
        seconds = sum(EVERY / row["tokens_per_second"] for row in mine)
        cells = (
            name,
            f"{mine[0]['cap']}",
            f"{mine[-1]['tokens']:,}",
            f"{warm[0]:.1f} MB",
            f"{warm[-1]:.1f} MB",
            f"{(max(warm) - min(warm)) / warm[0]:.1%}",
            f"{mine[-1]['tokens'] / seconds:.0f}",
        )
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out) + "\n"


def plot(rows: list[Row], path: Path) -> None:
    """Memory and speed over the tokens written, beside the memory of a cache without a cap."""
    with svg.drawing():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 6), layout="constrained")
        memory, speed = figure.subplots(2, 1, sharex=True)
        for name in dict.fromkeys(row["name"] for row in rows):
            mine = [row for row in rows if row["name"] == name]
            at = [row["tokens"] for row in mine]
            memory.plot(at, [row["rss_mb"] for row in mine], label=f"{name}, cap {mine[0]['cap']}")
            speed.plot(at, [row["tokens_per_second"] for row in mine], label=name)
        first, last = rows[0], max(row["tokens"] for row in rows)
        grown = [first["rss_mb"] + CELL / 1e6 * max(0, n - first["cap"]) for n in (0, last)]
        memory.plot((0, last), grown, "--", color=svg.INK, label="no cap, by the bytes of a cell")
        memory.set_ylabel("resident memory, MB")
        memory.set_ylim(0)
        memory.legend()
        speed.set_ylabel("tokens/s")
        speed.set_ylim(bottom=0)
        speed.set_xlabel("tokens written")
        for panel in (memory, speed):
            panel.grid(color=svg.GRID)
        svg.save(figure, path)


if __name__ == "__main__":
    main()
