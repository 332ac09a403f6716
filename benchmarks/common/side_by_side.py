"""What the benchmarks beside the reference library share: workers, rounds, tables."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.common.machine import machine

HERE = Path(__file__).parent
REFERENCE = "llmlingua 0.2.2"
RATE = 0.5


@dataclass(frozen=True)
class Job:
    """What every side compresses: ``first`` characters after the start, then ``size``, warm."""

    method: str
    text: Path
    first: int
    size: int


class Worker:
    """A process that compresses on demand and tells how long it took."""

    def __init__(self, command: list[str]) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def compress(self, characters: int) -> dict[str, float]:
        """Compress the first ``characters`` of the text."""
        assert self.process.stdin
        assert self.process.stdout
        print(characters, file=self.process.stdin, flush=True)
        for line in self.process.stdout:
            if line.startswith("{"):
                result: dict[str, float] = json.loads(line)
                return result
        raise RuntimeError("a worker died; its message is above")

    def stop(self) -> None:
        """End the process."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def arguments(description: str, checkpoint: str = "") -> argparse.Namespace:
    """Parse what both benchmarks are told; ``checkpoint``: help for --weights, where they count."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--reference-python", required=True, help="where llmlingua is installed")
    parser.add_argument("--rounds", type=int, default=5)
    if checkpoint:
        parser.add_argument("--weights", type=Path, help=checkpoint)
    return parser.parse_args()


def ours(job: Job, bundle: Path, variant: str, method: str = "") -> list[str]:
    """Command of a worker of this library; ``method``: another than the job's.

    Like the benchmarks, to be run from the repository's root: there the oracle can be imported.
    """
    worker = [sys.executable, "-m", "benchmarks.common.our_worker"]
    return [*worker, method or job.method, str(bundle), str(job.text), str(RATE), variant]


def theirs(job: Job, weights: Path, python: str) -> list[str]:
    """Command of a worker of the reference library."""
    worker = [python, str(HERE / "reference_worker.py")]
    return [*worker, job.method, str(weights), str(job.text), str(RATE)]


def compare(job: Job, sides: dict[str, list[str]], rounds: int, folder: Path) -> None:
    """Time every side in turn, so that drift hits all alike; write what came out to ``folder``.

    Each side starts cold and alone, compresses the beginning, then the whole text twice; the second
    time counts.
    """
    rows: list[dict[str, object]] = []
    for number in range(rounds):
        for side, command in sides.items():
            worker = Worker(command)
            worker.compress(job.first)
            cold = time.perf_counter() - worker.started
            worker.compress(job.size)
            warm = worker.compress(job.size)
            worker.stop()
            rows.append(
                {
                    "round": number,
                    "side": side,
                    "first_s": cold,
                    "tokens_in": warm["tokens_in"],
                    "tokens_out": warm["tokens_out"],
                    "tokens_per_s": warm["tokens_in"] / warm["s"],
                    "rss_mb": warm["rss_mb"],
                    "model_share": warm.get("model_s", 0.0) / warm["s"],
                    "tokenizer_share": warm.get("tokenizer_s", 0.0) / warm["s"],
                }
            )
            print(rows[-1], file=sys.stderr, flush=True)
    setting = {"rate": RATE, "threads": 2, **machine()}
    lines = [json.dumps(setting), *map(json.dumps, rows)]
    (folder / "results.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "table.md").write_text(table(rows, list(sides), job))
    print(table(rows, list(sides), job))


def table(rows: list[dict[str, object]], sides: list[str], job: Job) -> str:
    """Medians per side, and ratios to the first side, as Markdown."""

    def mid(side: str, key: str) -> float:
        return median(float(str(r[key])) for r in rows if r["side"] == side)

    first = f"start to first {job.first:,} characters"
    out = [f"| | tokens | tokens/s | {first} | peak RSS |", "|---|---|---|---|---|"]
    for side in sides:
        base = sides[0]
        rate, cold, rss = (mid(side, k) for k in ("tokens_per_s", "first_s", "rss_mb"))
        faster = rate / mid(base, "tokens_per_s")
        sooner = mid(base, "first_s") / cold
        smaller = rss / mid(base, "rss_mb")
        tokens = f"{mid(side, 'tokens_in'):,.0f} → {mid(side, 'tokens_out'):,.0f}"
        out.append(
            f"| {side} | {tokens} | {rate:,.0f} ({faster:.2f}x) "
            f"| {cold:.1f} s ({sooner:.1f}x sooner) | {rss:.0f} MB ({smaller:.2f}x) |"
        )
    if job.method == "llmlingua2":
        for side in sides[1:]:
            model, tokenizer = mid(side, "model_share"), mid(side, "tokenizer_share")
            rest = 1 - model - tokenizer
            out.append(
                f"\nTime of {side}: model {model:.0%}, tokenizing and counting {tokenizer:.0%}, "
                f"cutting and choosing {rest:.0%}."
            )
    return "\n".join(out) + "\n"
