"""Scoring a text with a graph made for it, against the graph as the exporter writes it.

SmolLM2-135M scores 2,048 tokens. *Plain*: optimum's fp32 graph, which returns logits, and NLL from
them in numpy, the text in one run. *Ours*: the bundle's graphs, whose attention is fused and which
return the NLL, through `PerplexityScorer` with a window of the same length. Every measurement has a
process of its own; sides take turns. Writes ``scoring_graph.jsonl`` and ``scoring_graph.md``.

    python -m benchmarks.export.scoring_graph
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from benchmarks.common.machine import machine

HERE = Path(__file__).parent
ME = (sys.executable, "-m", "benchmarks.export.scoring_graph")
DOCUMENT = HERE.parent.parent / "examples" / "data" / "grant-1872.txt"
MODEL = "smollm2-135m-instruct"
TOKENS = 2048
PLAIN, FP32, INT8 = "plain fp32 graph, NLL in numpy", "ours, fp32", "ours, INT8"


def main() -> None:
    """Build both kinds of graphs, measure, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--worker", nargs=2, metavar=("SIDE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(measure(options.worker[0], Path(options.worker[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        rows = [
            {"round": number, "side": side, **worker(side, folder)}
            for number in range(options.rounds)
            for side in (PLAIN, FP32, INT8)
        ]
    setting = {"tokens": TOKENS, "threads": 2, **machine()}
    lines = [json.dumps(setting), *map(json.dumps, rows)]
    (HERE / "scoring_graph.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (HERE / "scoring_graph.md").write_text(table(rows), encoding="utf-8")
    print(table(rows))


def make(folder: Path) -> None:
    """Write the plain graph, and the bundle."""
    from edgelingua_export.build import BuildOptions, build
    from edgelingua_export.graph import convert
    from edgelingua_export.quantization.options import SearchOptions
    from edgelingua_export.sources import find, load

    source = find(MODEL)
    convert(load(source, "scorer"), "scorer", folder / "plain")
    options = BuildOptions(keep_fp32=True, search=SearchOptions(max_loss=0.015, objective="first"))
    build(source, "scorer", folder / "bundle", options, print)


def worker(side: str, folder: str) -> dict[str, float]:
    """Measure one side in a process of its own."""
    command = [*ME, "--worker", side, folder]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(result.stdout)
    print(side, figures, file=sys.stderr, flush=True)
    return figures


def measure(side: str, folder: Path) -> dict[str, float]:
    """Score the text twice; the second time counts."""
    from edgelingua.bundle.bundle import ModelBundle
    from edgelingua.ort.session import RunOptions
    from edgelingua.scorers import PerplexityScorer
    from edgelingua.system.measure import peak_rss_mb

    bundle = ModelBundle.open(folder / "bundle")
    ids = bundle.tokenizer().encode(DOCUMENT.read_text(encoding="utf-8")).ids[:TOKENS]
    if side == PLAIN:
        score = plain_scorer(folder / "plain" / "model.onnx", bundle.manifest.tokens.prefix)
    else:
        variant = "cpu-fp32" if side == FP32 else "cpu-int8"
        score = PerplexityScorer(
            bundle, variant=variant, options=RunOptions(threads=2), window=TOKENS + 1
        ).score_ids
    score(ids)
    started = time.perf_counter()
    nll = score(ids)
    seconds = time.perf_counter() - started
    memory = peak_rss_mb()
    if memory is None:
        raise SystemExit("this system does not tell the peak of memory")
    return {
        "s": seconds,
        "tokens_per_s": len(ids) / seconds,
        "rss_mb": memory,
        "perplexity": float(np.exp(nll.mean(dtype=np.float64))),
    }


def plain_scorer(path, prefix):  # type: ignore[no-untyped-def]
    """Return what one writes with onnxruntime and numpy."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    past = {
        value.name: np.zeros((1, value.shape[1], 0, value.shape[3]), dtype=np.float32)
        for value in session.get_inputs()
        if value.name.startswith("past_key_values.")
    }

    def score(ids):  # type: ignore[no-untyped-def]
        sequence = np.concatenate([prefix, ids]).astype(np.int64)[None]
        feeds = {
            "input_ids": sequence[:, :-1],
            "attention_mask": np.ones_like(sequence[:, :-1]),
            "position_ids": np.arange(sequence.shape[1] - 1)[None],
            **past,
        }
        (logits,) = session.run(["logits"], feeds)
        logits = logits[0]
        logits -= logits.max(axis=1, keepdims=True)
        chosen = logits[np.arange(len(ids)), sequence[0, 1:]]
        return np.log(np.exp(logits).sum(axis=1)) - chosen

    return score


def table(rows: list[dict[str, object]]) -> str:
    """Medians per side, as Markdown."""

    def mid(side: str, key: str) -> float:
        return median(float(str(row[key])) for row in rows if row["side"] == side)

    lines = [
        f"| scoring {TOKENS:,} tokens | tokens/s | peak RSS | perplexity |",
        "|---|---|---|---|",
    ]
    for side in (PLAIN, FP32, INT8):
        speed, memory = mid(side, "tokens_per_s"), mid(side, "rss_mb")
        ratio, less = speed / mid(PLAIN, "tokens_per_s"), mid(PLAIN, "rss_mb") - memory
        lines.append(
            f"| {side} | {speed:,.0f} ({ratio:.2f}x) | {memory:,.0f} MB (-{less:,.0f} MB) | "
            f"{mid(side, 'perplexity'):.2f} |"
        )
    logits = TOKENS * 49152 * 4 / 1e6
    return "\n".join([*lines, "", f"The logits alone are {logits:,.0f} MB.", ""])


if __name__ == "__main__":
    main()
