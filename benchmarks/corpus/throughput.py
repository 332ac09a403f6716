"""Rows a second: one process, two, and actors of Ray beside them.

Rows are three sentences each of the document in ``examples/data``, compressed to half with
edgelingua-mini. The clock runs from the first rows that are done to the last, so that what it takes
to start is left out. Rounds go through all ways in turn. Adds rows to ``throughput.jsonl``, and
makes ``throughput.md`` of all that are there.

On a busy machine, ``echo -15 > /proc/self/autogroup`` in its session, and in those that Ray starts,
or the rows say nothing.

    python -m benchmarks.corpus.throughput --rounds 5
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import jsonl
from benchmarks.common.machine import machine

from edgelingua.corpus import Recipe, compress_corpus, open_corpus

HERE = Path(__file__).parent
DOCUMENT = Path("examples/data/grant-1872.txt")
BATCH = 16
WAYS = ("1 process", "2 processes", "Ray, 1 actor", "Ray, 2 actors")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1024)
    options = parser.parse_args()
    rows = list(texts(options.rows))
    ways: dict[str, Callable[[], list[tuple[float, int]]]] = {
        "1 process": lambda: locally(rows, 1),
        "2 processes": lambda: locally(rows, 2),
    }
    with suppress(ImportError):
        import ray

        # Of 15 by default: all other work would come first.
        os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        ways |= {
            "Ray, 1 actor": lambda: with_ray(rows, 1),
            "Ray, 2 actors": lambda: with_ray(rows, 2),
        }
    for _ in range(options.rounds):
        for name, run in ways.items():
            seen = run()
            # Two workers begin together: their first batches are done at one moment.
            (began, first), (ended, last) = seen[2 if "2" in name else 1], seen[-1]
            rate = (last - first) / (ended - began)
            row = {"way": name, "rows": last - first, "rate": rate, "load": os.getloadavg()[0]}
            print(row, flush=True)
            jsonl.append(HERE / "throughput.jsonl", json.dumps(row | machine()))
    page = table(jsonl.read(HERE / "throughput.jsonl"))
    (HERE / "throughput.md").write_text(page, encoding="utf-8")


def texts(many: int) -> Iterator[str]:
    """Yield texts of three sentences."""
    sentences = DOCUMENT.read_text(encoding="utf-8").split(". ")
    for number in range(many):
        at = 3 * number % (len(sentences) - 3)
        yield ". ".join(sentences[at : at + 3])


def locally(rows: list[str], workers: int) -> list[tuple[float, int]]:
    """Return when how many rows were done, in processes of this machine."""
    seen: list[tuple[float, int]] = []

    def progress(done: int, total: int) -> None:
        if done:
            seen.append((time.perf_counter(), done))

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "in.jsonl")
        source.write_text("".join(json.dumps({"text": text}) + "\n" for text in rows))
        target = Path(folder, "out.jsonl")
        compress_corpus(open_corpus(source), target, workers=workers, progress=progress)
    return seen


def with_ray(rows: list[str], workers: int) -> list[tuple[float, int]]:
    """Return the same of actors."""
    import ray

    from edgelingua.corpus.ray import compress

    dataset = ray.data.from_items([{"text": text} for text in rows], override_num_blocks=64)
    short = compress(dataset, Recipe(), workers=workers, batch_size=BATCH)
    seen, done = [], 0
    for batch in short.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
        done += len(batch)
        seen.append((time.perf_counter(), done))
    return seen


def table(rows: list[dict[str, Any]]) -> str:
    """Return the page of these rows."""
    loads = [row["load"] for row in rows]
    lines, alone = "", 0.0
    for way in WAYS:
        rates = sorted(row["rate"] for row in rows if row["way"] == way)
        if not rates:
            continue
        alone = alone or median(rates)
        workers = 2 if "2" in way else 1
        lines += f"| {way} | {median(rates):.1f} | {rates[0]:.1f} to {rates[-1]:.1f} | "
        lines += f"{median(rates) / workers:.1f} | {median(rates) / alone:.2f} |\n"
    about = rows[-1]
    return f"""# Rows a second

Rows of three sentences, some 200 tokens, to half with edgelingua-mini; {about["cpu"]},
{about["cpus"]} cores. Other work made a load of {min(loads):.1f} to {max(loads):.1f}; this came
first (autogroup at -15).
Medians of {len(loads) // len({row["way"] for row in rows})} runs each, starting left out.

| | rows a second | from, to | for each worker | times one process |
|---|---|---|---|---|
{lines}"""


if __name__ == "__main__":
    main()
