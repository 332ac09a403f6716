"""Compressions that an event loop has done in threads at a time: prompts per second, and the loop.

One compressor (edgelingua-mini) compresses the same 24 prompts of some 650 tokens to 0.3, so many
at a time as a column says; beside them a task sleeps a millisecond again and again, and tells by
how much it was late. Writes ``together.jsonl`` and ``together.md``.

    python -m benchmarks.runtime.together

Where others use the machine too, ``setsid -w python -m … --ahead`` (Linux, as root) goes before
them.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import single_run
from benchmarks.runtime.live import ahead_of_others

from edgelingua import Budget, Prompt, Pruner, RunOptions, load_compressor

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "examples" / "data" / "grant-1872.txt"
CASES = {"as it is": None, "one thread each": RunOptions(threads=1)}
AT_A_TIME = (1, 2, 4, 8)


async def late_by(late: list[float]) -> None:
    """Write down by how many seconds a sleep of a millisecond was too long."""
    while True:
        start = time.perf_counter()
        await asyncio.sleep(0.001)
        late.append(time.perf_counter() - start - 0.001)


async def together(compressor: Pruner, prompts: list[Prompt], most: int) -> dict[str, Any]:
    """Compress prompts, ``most`` of them at a time."""
    places, late = asyncio.Semaphore(most), list[float]()
    watch = asyncio.create_task(late_by(late))

    async def one(prompt: Prompt) -> None:
        async with places:
            await compressor.acompress(prompt, Budget(rate=0.3))

    start = time.perf_counter()
    await asyncio.gather(*map(one, prompts))
    seconds = time.perf_counter() - start
    watch.cancel()
    late.sort()
    ms = {"late_p99_ms": 1000 * late[int(0.99 * len(late))], "late_most_ms": 1000 * late[-1]}
    return {"per_s": len(prompts) / seconds, **ms}


def table(rows: list[dict[str, Any]]) -> str:
    """Medians over the rounds."""
    out = [
        "| compressor | at a time | prompts/s | event loop late by, p99 | at most |",
        "|---|---|---|---|---|",
    ]
    for case in CASES:
        for most in AT_A_TIME:
            own = [row for row in rows if (row["case"], row["at_a_time"]) == (case, most)]
            rate, p99, worst = (
                median(row[name] for row in own)
                for name in ("per_s", "late_p99_ms", "late_most_ms")
            )
            out.append(f"| {case} | {most} | {rate:.1f} | {p99:.0f} ms | {worst:.0f} ms |")
    return "\n".join(out) + "\n"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ahead", action="store_true")
    parser.add_argument("--output", type=Path, default=HERE)
    options = parser.parse_args()
    text = DOCUMENT.read_text(encoding="utf-8")
    prompts = [
        Prompt.build(text[at : at + 3000], question="How much did the tribunal award?")
        for at in range(0, 24 * 500, 500)
    ]
    rows: list[dict[str, Any]] = []
    with ahead_of_others(options.ahead):
        for case, own in CASES.items():
            compressor = load_compressor(options=own)
            compressor.compress(prompts[0], Budget(rate=0.3))
            for number in range(options.rounds):
                for most in AT_A_TIME:
                    found = asyncio.run(together(compressor, prompts, most))
                    rows.append({"case": case, "at_a_time": most, "round": number, **found})
    shown = table(rows)
    single_run.write(
        rows,
        options.output / "together.jsonl",
        shown,
        options.output / "together.md",
        ahead=options.ahead,
    )
    print(shown)


if __name__ == "__main__":
    main()
