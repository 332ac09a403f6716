"""What ``edgelingua compress`` of 200 tokens takes from start to end, and its memory.

Beside it the import of numpy, onnxruntime and tokenizers, which nothing here can be without: in
turn, in processes of their own, so that their ratio holds on a machine that is busy. The tokens are
counted as by default, as the reader's; fetch it first. Writes ``start.jsonl`` and ``start.md``.

    edgelingua models fetch smollm2-135m-instruct
    python -m benchmarks.runtime.start
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from statistics import median

from benchmarks.common.machine import machine

HERE = Path(__file__).parent
DOCUMENT = HERE.parent.parent / "examples" / "data" / "grant-1872.txt"
FIRST, LAST = 3000, 4000  # characters: 189 tokens

IMPORTS = ["-c", "import numpy, onnxruntime, tokenizers"]
COMPRESS = ["-m", "edgelingua", "compress"]


def measure(arguments: list[str]) -> dict[str, float]:
    """Run Python; seconds from start to end, seconds of processor, MB at the peak."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments} failed; run it to see why")
    return {
        "seconds": round(seconds, 4),
        "processor": round(used.ru_utime + used.ru_stime, 4),
        "peak_mb": round(used.ru_maxrss * 1024 / 1e6, 1),
    }


def main() -> None:
    """Measure in turn; write the rounds and their medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text"
        text.write_text(DOCUMENT.read_text(encoding="utf-8")[FIRST:LAST], encoding="utf-8")
        cases = {"imports": IMPORTS, "compress": [*COMPRESS, str(text)]}
        for arguments in cases.values():
            measure(arguments)  # compiled, and in the page cache
        rows = [
            {name: measure(arguments) for name, arguments in cases.items()} for _ in range(rounds)
        ]
    versions = {name: metadata.version(name) for name in ("numpy", "tokenizers", "typer")}
    about = machine() | versions | {"load": round(os.getloadavg()[0], 1)}
    (HERE / "start.jsonl").write_text(
        "".join(f"{json.dumps(row)}\n" for row in (about, *rows)), encoding="utf-8"
    )

    def middle(name: str, figure: str) -> float:
        return median(row[name][figure] for row in rows)

    ratios = {
        figure: median(row["compress"][figure] / row["imports"][figure] for row in rows)
        for figure in ("seconds", "processor")
    }
    lines = ["| | start to end | processor time | peak |", "|---|---|---|---|"]
    for name, title in (
        ("imports", "importing numpy, onnxruntime, tokenizers"),
        ("compress", "`edgelingua compress`, 189 tokens, counted as the reader's"),
    ):
        lines.append(
            f"| {title} | {middle(name, 'seconds'):.2f} s | {middle(name, 'processor'):.2f} s | "
            f"{middle(name, 'peak_mb'):.0f} MB |"
        )
    lines.append(f"| ratio | {ratios['seconds']:.2f}x | {ratios['processor']:.2f}x | |")
    lines.append(
        f"\nMedians of {rounds} rounds, in turn; {about['cpus']} CPUs, load {about['load']} "
        "at the end."
    )
    (HERE / "start.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
