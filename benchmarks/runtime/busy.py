"""Ways to wait for each other's threads: what they cost alone, and beside two busy processes.

Every case is a process that stays loaded; the cases take turns, so that drift hits all alike, and
each does its work once to warm up. The reader reads 64 tokens and writes 12, the compressor
(edgelingua-mini) takes some 900 tokens to half. Writes ``busy.jsonl`` and ``busy.md``.

    python -m benchmarks.runtime.busy smollm2-135m-instruct

Where others use the machine too, ``setsid -w python -m benchmarks.runtime.busy --ahead …`` (Linux,
as root) puts everything measured before them, and what is to be alone into the real-time class.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import single_run
from benchmarks.runtime.live import Live, ahead_of_others, two_busy_processes

from edgelingua.models.registry import find_reader

HERE = Path(__file__).parent


LOOKS, AWAKE = "GOMP_SPINCOUNT", "session.intra_op.spin_duration_us"
CASES: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "reader, as it is": ("reader", {}, {}),
    "reader, OpenMP's own 300,000 looks": ("reader", {}, {LOOKS: "300000"}),
    "reader, 10,000 looks": ("reader", {}, {LOOKS: "10000"}),
    "reader, 2,000 looks": ("reader", {}, {LOOKS: "2000"}),
    "reader, 200 looks": ("reader", {}, {LOOKS: "200"}),
    "reader, asleep at once": ("reader", {}, {"OMP_WAIT_POLICY": "passive"}),
    "reader, one thread": ("reader", {"threads": 1}, {}),
    "compressor, as it is": ("compressor", {}, {}),
    "compressor, onnxruntime's own 1 ms": ("compressor", {AWAKE: "1000"}, {}),
    "compressor, 50 µs": ("compressor", {AWAKE: "50"}, {}),
    "compressor, asleep at once": ("compressor", {"spin": False}, {}),
    "compressor, one thread": ("compressor", {"threads": 1}, {}),
}
MODES = ("alone", "beside two busy processes", "beside two of another session")
JOBS = {"reader": ("read_s", "write_s"), "compressor": ("compress_s",)}


def table(rows: list[dict[str, Any]]) -> str:
    """Milliseconds, median (least–most), with the ratio to ours alone and to this alone."""

    def times(case: str, mode: str, job: str) -> list[float]:
        return [1000 * row[job] for row in rows if (row["case"], row["mode"]) == (case, mode)]

    out = [f"| | job | {' | '.join(MODES)} |", "|---" * (2 + len(MODES)) + "|"]
    for case in dict.fromkeys(row["case"] for row in rows):
        kind = case.split(",")[0]
        for job in JOBS[kind]:
            ours = median(times(f"{kind}, as it is", MODES[0], job))
            alone = median(times(case, MODES[0], job))
            cells = []
            for mode in MODES:
                found = times(case, mode, job)
                ratio = f"{alone / ours:.2f}x ours" if mode == MODES[0] else ""
                ratio = ratio or f"{median(found) / alone:.1f}x alone"
                cells.append(f"{median(found):.0f} ({min(found):.0f}–{max(found):.0f}), {ratio}")
            out.append(f"| {case} | {job.removesuffix('_s')} | {' | '.join(cells)} |")
    return "\n".join(out) + "\n"


def company(mode: str, ahead: bool) -> AbstractContextManager[None]:
    """Return what is there beside the process measured."""
    if mode == MODES[0]:
        return nullcontext()
    return two_busy_processes(apart=mode == MODES[2], ahead=ahead)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reader")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--ahead", action="store_true")
    parser.add_argument("--output", type=Path, default=HERE)
    options = parser.parse_args()
    models = {"reader": str(find_reader(options.reader)), "compressor": "edgelingua-mini"}
    rows: list[dict[str, Any]] = []
    live: dict[str, Live] = {}
    try:
        for case, (kind, settings, environment) in CASES.items():
            with ahead_of_others(options.ahead):
                live[case] = Live(kind, models[kind], settings, environment)
                live[case].work()
        for number in range(options.rounds):
            for mode in MODES:
                with ahead_of_others(options.ahead), company(mode, options.ahead):
                    for case, process in live.items():
                        with process.real_time(options.ahead and mode == MODES[0]):
                            found = process.work()
                        del found["memory"]
                        rows.append({"case": case, "mode": mode, "round": number, **found})
            print(number, file=sys.stderr, flush=True)
    finally:
        for process in live.values():
            process.close()
    shown = table(rows)
    single_run.write(
        rows, options.output / "busy.jsonl", shown, options.output / "busy.md", ahead=options.ahead
    )
    print(shown)


if __name__ == "__main__":
    main()
