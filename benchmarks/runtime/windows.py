"""Windows side by side, each in one thread, against one after the other, each in all threads.

Two compressors (edgelingua-mini) with as many threads compress the same text to a quarter in turn,
for texts of several lengths, alone and beside two busy processes. What they keep is compared: it is
the same. Writes ``windows.jsonl`` and ``windows.md``.

    python -m benchmarks.runtime.windows --threads 2 4
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import single_run
from benchmarks.runtime.live import two_busy_processes

from edgelingua import Budget, Prompt, Pruner, RunOptions, load_compressor
from edgelingua.bundle import bundle as bundles
from edgelingua.bundle.placement import place

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "examples" / "data" / "grant-1872.txt"
QUESTION = "How much did the tribunal at Geneva award to the United States?"
CHARACTERS = (1000, 2500, 5000, 20_000, 100_000)
WAYS = ("after", "beside")
MODES = ("alone", "beside two busy processes")


def loaded(way: str, threads: int) -> Pruner:
    """Load a compressor that reads windows in one of the ways."""
    if way == "after":
        bundles.place = lambda *given, **_: place(*given)  # type: ignore[attr-defined]
    try:
        return load_compressor(options=RunOptions(threads=threads))
    finally:
        bundles.place = place  # type: ignore[attr-defined]


def rounds_of(threads: int, rounds: int, mode: str) -> Iterator[dict[str, Any]]:
    """Compress every text in both ways, in turn."""
    text = DOCUMENT.read_text(encoding="utf-8")
    text *= 1 + max(CHARACTERS) // len(text)
    ways = {way: loaded(way, threads) for way in WAYS}
    for size in CHARACTERS:
        prompt = Prompt.build(text[:size], question=QUESTION)
        times = max(1, 20_000 // size)  # some 0.2 seconds at least
        kept = set()
        for number in range(-1, rounds):  # the first warms up
            for way, compressor in ways.items():
                cpu, clock = time.process_time(), time.perf_counter()
                for _ in range(times):
                    compressed = compressor.compress(prompt, Budget(rate=0.25))
                spent = time.perf_counter() - clock, time.process_time() - cpu
                kept.add(compressed.text)
                row = {"mode": mode, "threads": threads, "size": size, "round": number, "way": way}
                row |= {"clock_s": spent[0] / times, "cpu_s": spent[1] / times}
                if number >= 0:
                    yield row | {"tokens": ways["beside"].scorer.count(text[:size])}
        if len(kept) > 1:
            raise RuntimeError("the ways kept different text")


def table(rows: list[dict[str, Any]]) -> str:
    """Medians and ratios by pairs of a round, as Markdown."""
    head = ("threads", "tokens", "tokens/s", "before", "ratio", "processor time")
    out = []
    for mode in dict.fromkeys(row["mode"] for row in rows):
        out += [f"{mode.capitalize()}:", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        cases = [(r["threads"], r["tokens"]) for r in rows if r["mode"] == mode]
        for threads, tokens in dict.fromkeys(cases):
            own = [
                {r["way"]: r for r in rows if r["round"] == n and _is(r, mode, threads, tokens)}
                for n in {r["round"] for r in rows}
            ]
            rates = {w: tokens / median(pair[w]["clock_s"] for pair in own) for w in WAYS}
            ratio, cpu = (
                median(pair["after"][key] / pair["beside"][key] for pair in own)
                for key in ("clock_s", "cpu_s")
            )
            out.append(
                f"| {threads} | {tokens:,} | {rates['beside']:,.0f} | {rates['after']:,.0f} "
                f"| {ratio:.2f}x | {1 / cpu:.2f}x |"
            )
        out.append("")
    return "\n".join(out)


def _is(row: dict[str, Any], mode: str, threads: int, tokens: int) -> bool:
    return (row["mode"], row["threads"], row["tokens"]) == (mode, threads, tokens)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[2])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--output", type=Path, default=HERE)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for mode in MODES:
        for threads in options.threads:
            with (
                nullcontext() if mode == MODES[0] else two_busy_processes(apart=False, ahead=False)
            ):
                for row in rounds_of(threads, options.rounds, mode):
                    print(row, file=sys.stderr, flush=True)
                    rows.append(row)
    shown = table(rows)
    single_run.write(rows, options.output / "windows.jsonl", shown, options.output / "windows.md")
    print(shown)


if __name__ == "__main__":
    main()
