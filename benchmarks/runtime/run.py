"""What threads, windows, batches and onnxruntime's settings cost: tokens/s, memory, cold start.

One process per measurement, the settings in turn, medians of the rounds. The defaults are those of
`edgelingua.ort.session`; each other row changes one thing. The text is 10,000 tokens made of
examples/data/grant-1872.txt.
Writes ``results.jsonl`` and ``table.md`` beside this script.

    python -m benchmarks.runtime.run models/edgelingua-mini
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import single_run

HERE = Path(__file__).parent
DOCUMENT = HERE.parent.parent / "examples" / "data" / "grant-1872.txt"
CHARACTERS = 52_000  # 10,000 tokens

Settings = dict[str, Any]
INITIALIZERS = "session.use_device_allocator_for_initializers"
CASES: dict[str, Settings] = {
    "defaults": {},
    "one window after the other": {"side_by_side": False},
    "1 thread": {"threads": 1},
    "one window after the other, never spinning": {"side_by_side": False, "spin": False},
    "window 128": {"window": 128},
    "window 512": {"window": 512},
    "no memory arena": {"enable_cpu_mem_arena": False},
    "no memory pattern": {"enable_mem_pattern": False},
    "no arena, no pattern": {"enable_cpu_mem_arena": False, "enable_mem_pattern": False},
    "weights outside the arena": {INITIALIZERS: "1"},
    "no prepacking": {"session.disable_prepacking": "1"},
    "1 window at once, model alone": {"batch": 1},
    "4 windows at once, model alone": {"batch": 4},
    "16 windows at once, model alone": {"batch": 16},
}
COLUMNS = ("tokens/s", "CPU time", "peak RSS", "start to first 200 tokens", "RSS then")


def measure(bundle: str, settings: Settings) -> dict[str, Any]:
    """Run one worker."""
    command = [sys.executable, str(HERE / "worker.py"), bundle, str(DOCUMENT), str(CHARACTERS)]
    command += [json.dumps(settings), str(time.monotonic())]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def table(rows: list[dict[str, Any]]) -> str:
    """Medians per case, and the share of the defaults' speed, as Markdown."""

    def mid(case: str, *keys: str) -> float:
        found = []
        for row in rows:
            if row["case"] == case:
                value = row
                for key in keys:
                    value = value[key]
                found.append(float(value))  # type: ignore[arg-type]
        return median(found)

    cases = list(dict.fromkeys(row["case"] for row in rows))
    out = [f"| | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for case in cases:
        share = mid(case, "tokens_per_s") / mid(cases[0], "tokens_per_s")
        # Less than a window is nothing where the model runs alone.
        first = (
            "– | –"
            if "batch" in CASES[case]
            else f"{mid(case, 'first', 's'):.2f} s | {mid(case, 'first', 'peak_rss_mb'):.0f} MB"
        )
        out.append(
            f"| {case} | {mid(case, 'tokens_per_s'):,.0f} ({share:.2f}x) "
            f"| {mid(case, 'cpu_s'):.1f} s | {mid(case, 'compress', 'peak_rss_mb'):.0f} MB "
            f"| {first} |"
        )
    steps = [
        f"{step} {mid(cases[0], step, 's'):.2f} s, {mid(cases[0], step, 'peak_rss_mb'):.0f} MB"
        for step in ("import", "check", "load", "first", "compress")
    ]
    return (
        "\n".join([*out, "", f"With the {cases[0]}, since the start: {'; '.join(steps)}."]) + "\n"
    )


def main() -> None:
    """Measure every case in turn, so that drift hits all alike."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--output", type=Path, default=HERE)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for number in range(options.rounds):
        for case in options.case or CASES:
            rows.append({"case": case, "round": number, **measure(options.bundle, CASES[case])})
            print(rows[-1], file=sys.stderr, flush=True)
    shown = table(rows)
    single_run.write(rows, options.output / "results.jsonl", shown, options.output / "table.md")
    print(shown)


if __name__ == "__main__":
    main()
