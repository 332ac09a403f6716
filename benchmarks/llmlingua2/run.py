"""LLMLingua-2 on the same weights: the reference library against ours, in one run.

The encoder is all-MiniLM-L6-v2 with an untrained head (only time and memory are measured), the text
twice examples/data/grant-1872.txt. Writes ``results.jsonl`` and ``table.md`` beside this script.

    python -m venv ref && ref/bin/pip install torch==2.13.0 'transformers<4.47' llmlingua==0.2.2
    python benchmarks/llmlingua2/run.py --reference-python ref/bin/python
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from statistics import median

from edgelingua.bundle import ModelBundle
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.sources import find, load

HERE = Path(__file__).parent
DOCUMENT = HERE.parent.parent / "examples" / "data" / "grant-1872.txt"
ROUNDS, RATE, FIRST_CHARACTERS = 5, 0.5, 5800  # some 1,000 tokens


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


def main() -> None:
    """Time every side in turn, so that drift hits all alike."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--reference-python", required=True)
    python = parser.parse_args().reference_python
    with tempfile.TemporaryDirectory() as folder:
        # The reference chooses its tokenizer's conventions by the folder's name.
        weights = Path(folder) / "bert-base-multilingual-cased"
        bundle = Path(folder) / "bundle"
        loaded = load(find("all-minilm-l6-v2"), "classifier")
        loaded.model.save_pretrained(weights)
        loaded.tokenizer.save_pretrained(weights)
        build(find(str(weights)), "classifier", bundle, BuildOptions(keep_fp32=True), print)
        text = Path(folder) / "text.txt"
        text.write_text(DOCUMENT.read_text(encoding="utf-8") * 2, encoding="utf-8")
        ours = [sys.executable, str(HERE / "our_worker.py"), str(bundle), str(text), str(RATE)]
        theirs = [python, str(HERE / "reference_worker.py"), str(weights), str(text), str(RATE)]
        sides = {
            "llmlingua 0.2.2": theirs,
            "edgelingua fp32": [*ours, "cpu-fp32"],
            "edgelingua INT8": [*ours, "cpu-int8"],
        }
        size = len(text.read_text(encoding="utf-8"))
        tokens = ModelBundle.open(bundle).tokenizer().count(text.read_text(encoding="utf-8"))
        rows = measure(sides, size, tokens)
    packages = ("edgelingua", "onnxruntime", "torch")
    setting = {"tokens": tokens, "versions": {p: metadata.version(p) for p in packages}}
    lines = [json.dumps(setting), *map(json.dumps, rows)]
    (HERE / "results.jsonl").write_text("\n".join(lines) + "\n")
    (HERE / "table.md").write_text(table(rows, list(sides)))
    print(table(rows, list(sides)))


def measure(sides: dict[str, list[str]], size: int, tokens: int) -> list[dict[str, object]]:
    """Cold starts first, each side alone; then warm compressions in turn."""
    rows: list[dict[str, object]] = []
    for round_number in range(ROUNDS):
        for side, command in sides.items():
            worker = Worker(command)
            worker.compress(FIRST_CHARACTERS)
            cold = time.perf_counter() - worker.started
            warm = worker.compress(size)
            warm = worker.compress(size)
            worker.stop()
            rate = tokens / warm["s"]
            rows.append({"round": round_number, "side": side, "first_1000_tokens_s": cold,
                         "tokens_per_s": rate, "rss_mb": warm["rss_mb"]})  # fmt: skip
            print(rows[-1], flush=True)
    return rows


def table(rows: list[dict[str, object]], sides: list[str]) -> str:
    """Medians per side, and ratios to the first side, as Markdown."""

    def mid(side: str, key: str) -> float:
        return median(float(str(r[key])) for r in rows if r["side"] == side)

    out = ["| | tokens/s | start to first 1,000 tokens | peak RSS |", "|---|---|---|---|"]
    for side in sides:
        base = sides[0]
        rate, cold, rss = (mid(side, k) for k in ("tokens_per_s", "first_1000_tokens_s", "rss_mb"))
        faster = rate / mid(base, "tokens_per_s")
        sooner = mid(base, "first_1000_tokens_s") / cold
        smaller = rss / mid(base, "rss_mb")
        out.append(
            f"| {side} | {rate:,.0f} ({faster:.2f}x) | {cold:.1f} s ({sooner:.1f}x sooner) "
            f"| {rss:.0f} MB ({smaller:.2f}x) |"
        )
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    main()
