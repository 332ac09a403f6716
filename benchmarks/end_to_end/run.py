"""Time from text and question to answer: the whole text against compressed ones, in one run.

Writes ``results.jsonl`` (one line per answer) and ``table.md`` beside this script.

    python -m benchmarks.end_to_end.run
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median

from benchmarks.common.machine import machine

from edgelingua import Assistant, Budget, load_compressor
from edgelingua.assistant import Reply

HERE = Path(__file__).parent
TEXT = HERE.parent.parent / "examples" / "data" / "grant-1872.txt"
QUESTION, ANSWER = (
    "How much did the tribunal at Geneva award to the United States?",
    "15,500,000",
)
WHOLE_CAP = 5120
BUDGETS = (0, 800, 400, 200)
"""Tokens; 0: the whole text."""


def main() -> None:
    """Answer with every budget in turn, several rounds, so that drift hits all alike."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS, help="0: whole")
    options = parser.parse_args()
    text = TEXT.read_text(encoding="utf-8")
    assistant = Assistant.load()
    shipped, whole = assistant.compressor, load_compressor("truncate")
    rows = []
    for round_number in range(options.rounds):
        for tokens in (budget or None for budget in options.budgets):
            assistant.cap = WHOLE_CAP if tokens is None else tokens + 112
            budget = Budget(rate=1.0) if tokens is None else Budget(tokens=tokens)
            # The whole text needs no scores.
            assistant.compressor = whole if tokens is None else shipped
            reply = assistant.ask(text, QUESTION, budget, max_tokens=48)
            rows.append(row(round_number, tokens, reply))
            print(rows[-1])
    lines = [json.dumps(machine()), *(json.dumps(r) for r in rows)]
    (HERE / "results.jsonl").write_text("\n".join(lines) + "\n")
    (HERE / "table.md").write_text(table(rows))


def row(round_number: int, tokens: int | None, reply: Reply) -> dict[str, object]:
    """One answer as a flat record."""
    return {
        "round": round_number,
        "budget": tokens,
        "tokens_out": reply.compressed.tokens_out,
        "cells": reply.cache.peak,
        "cap": reply.cache.cap,
        "right": ANSWER in reply.text,
        "answer": reply.text,
        **{f"{stage}_ms": round(ms) for stage, ms in reply.milliseconds.items()},
        "total_ms": round(sum(reply.milliseconds.values())),
    }


def table(rows: list[dict[str, object]]) -> str:
    """Medians per budget, as Markdown."""
    stages = ("compress_ms", "prefill_ms", "generate_ms", "total_ms")
    out = ["| text | tokens read | cells at most | compress | prefill | answer | total | right |"]
    out.append("|---|---|---|---|---|---|---|---|")
    for budget in dict.fromkeys(r["budget"] for r in rows):
        mine = [r for r in rows if r["budget"] == budget]
        times = [f"{median(float(str(r[s])) for r in mine) / 1000:.1f} s" for s in stages]
        right = sum(bool(r["right"]) for r in mine)
        cells = [str(mine[0][k]) for k in ("tokens_out", "cells")]
        name = "whole" if budget is None else f"budget {budget}"
        out.append("| " + " | ".join([name, *cells, *times, f"{right} of {len(mine)}"]) + " |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    main()
