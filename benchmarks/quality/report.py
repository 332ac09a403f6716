"""Tables and a plot of what `run`, `reader` and `continuation` measured.

    python -m benchmarks.quality.report

Writes ``results.md`` and ``survival.svg`` beside this script, from ``results/*.jsonl`` alone.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.quality import plot
from benchmarks.quality.claims import claims
from benchmarks.quality.merge import KINDS, made_with
from benchmarks.quality.model_tables import continuation_table, reader_tables
from benchmarks.quality.rows import Rows
from benchmarks.quality.run import HERE
from benchmarks.quality.speed import KEY as SPEED
from benchmarks.quality.speed import nano_speed
from benchmarks.quality.tables import beside_slow, glance, speed_table, survival_tables

MOST = ("nq", "hotpotqa", "musique", "squad")
"""Sets of which there are the most cases, and by which the models were chosen."""

INTRODUCTION = """\
# How much survives compression

Made by `python -m benchmarks.quality.report` from `results/`. `benchmarks.quality.run` compresses
cases of public development sets through `load_compressor`, one thread, everything at its default;
budgets are a share of the passages' tokens as SmolLM2 counts them, the question comes on top. The
passages are given as documents. The causal LM of LLMLingua, LongLLMLingua, Selective Context and
`question_aware` is SmolLM2-135M-Instruct as our INT8 bundle, and these are our implementations:
numbers and negations guarded, budgets met exactly. Every table compares on the same cases, drawn
with a fixed seed; *n* is their number, brackets are 95 % bootstrap intervals. Methods with a causal
LM are those of version 0.2.0, our models ran with the code of 2026-12-01. Most rows come from other
machines, whose times are left out: times are those of the cases timed here, beside other work.
"""

READERS = """\
Mean NLL per token of the first gold answer, in nats (lower is better), exact match and F1 of what
was written greedily, at most 24 tokens. SmolLM2-135M-Instruct is the file of `edgelingua models
list`, requantized to Q8_0 for speed, asked with its chat template; Gemma-3-270M is the base model
(Q4_K_M, requantized to Q8_0), asked in plain text. Both read the same compressed texts.
"""
CONTINUATION = """\
SmolLM2-135M-Instruct (the INT8 bundle) reads what was kept of 1,024 tokens, without a question, and
is asked for the next 256. Books: L-Eval's `sci_fi` and `quality`; transcripts: QMSum; news:
LongBench's `multi_news`.
"""


def main() -> None:
    """Write the page and the plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--output", type=Path, default=HERE)
    options = parser.parse_args()
    found = {}
    for name in ("survival", "reader", "continuation"):
        found[name] = list(Rows(options.results / f"{name}.jsonl", KINDS[name].key))
        made_with(found[name], KINDS[name])  # refuses what different weights made
    survival, reader, continuation = found["survival"], found["reader"], found["continuation"]
    speed = list(Rows(options.results / "speed.jsonl", SPEED))
    setting = json.loads((options.results / "machine.json").read_text(encoding="utf-8"))
    parts = [
        INTRODUCTION,
        f"{setting['cpu']}, onnxruntime {setting['onnxruntime']}, Python {setting['python']}.\n",
        "## What was to be shown\n",
        claims(survival, speed),
        "## Answers that survive\n",
        glance(survival),
        "### More cases: methods that read with no causal LM\n",
        glance(survival, quick=True, sets=MOST),
        "### Beside methods that read with a causal LM\n",
        beside_slow(survival, MOST),
        survival_tables(survival),
        "![Share of answers that survive, by rate](survival.svg)\n",
        "## What a reader makes of it\n",
        READERS,
        reader_tables(reader),
        "## Continuation of a text\n",
        CONTINUATION,
        continuation_table(continuation),
        "## Speed\n",
        nano_speed(speed),
        speed_table(survival),
    ]
    (options.output / "results.md").write_text("\n".join(parts), encoding="utf-8")
    plot.survival(survival, options.output / "survival.svg")


if __name__ == "__main__":
    main()
