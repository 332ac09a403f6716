"""Other libraries beside ours on the same cases: answers that survive, tokens kept, time.

    python -m benchmarks.peers.run --data DIR --python PEERS/bin/python --weights llmlingua2=DIR

``--python`` is an environment with `llmlingua` 0.2.2 (transformers 4.46), `litellm`, `distil-llm`,
`langchain-community`, `llama-index-postprocessor-longllmlingua`, and `selective-context` with the
spaCy model `en_core_web_sm`; those that need weights run where ``--weights`` names a folder of
Hugging Face's: for llmlingua2 the checkpoint that edgelingua-mini is made of, for the others a
causal LM. Adds a row for each set, method and case to ``rows.jsonl``, then writes ``peers.md`` of
them and of ``published.toml``, the figures of those that cannot run here.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.quality.baselines import latest
from benchmarks.quality.compare import interval
from benchmarks.quality.methods import CONTENDERS, Runner
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.run import context
from benchmarks.quality.sets import Case, draw, found
from benchmarks.quality.tables import label, table

from edgelingua import Budget, Prompt
from edgelingua.budget import Count
from edgelingua.models.registry import DEFAULT_READER, find_reader
from edgelingua.text.counting import counter

HERE = Path(__file__).parent
KEY = ("set", "method", "case")
RATE = 0.2
MINI = "edgelingua-mini"
OURS = {"truncate": None, "bm25": None, "mini": MINI, "mini-question": MINI}
PEERS = {
    "llmlingua2": "llmlingua 0.2.2: LLMLingua-2",
    "llmlingua": "llmlingua 0.2.2: LLMLingua",
    "longllmlingua": "llmlingua 0.2.2: LongLLMLingua",
    "langchain": "LangChain's LLMLinguaCompressor",
    "llamaindex": "LlamaIndex's LongLLMLinguaPostprocessor",
    "selective": "selective-context 0.1.4, with SmolLM2-135M",
    "litellm": "LiteLLM's compress",
    "distil": "distil-llm, passages as results of tools",
}
NO_WEIGHTS = {"litellm", "distil"}
SHIFT = "context-shift"
ASK = {"longllmlingua", "langchain", "llamaindex", "litellm"}


def main() -> None:
    """Compress the cases with everything that is there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the development sets; else the table")
    parser.add_argument("--python", type=Path, help="of the peers' environment")
    parser.add_argument("--weights", action="append", default=[], metavar="PEER=DIR")
    parser.add_argument("--sets", default="squad,hotpotqa,nq")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--cases", type=int, default=20, help="of each set")
    options = parser.parse_args()
    rows = Rows(HERE / "rows.jsonl", KEY)
    if options.data:
        count = counter(find_reader(DEFAULT_READER))
        weights = dict(pair.split("=", 1) for pair in options.weights)
        for name in options.sets.split(","):
            cases = draw(name, options.data, options.cases)
            for method in (*OURS, SHIFT, *options.peers.split(",")):
                left = [n for n in range(len(cases)) if not rows.get(name, method, n)]
                if method in PEERS and method not in {*weights, *NO_WEIGHTS}:
                    continue
                some = [cases[number] for number in left]
                made = (
                    theirs(method, some, count, options.python, weights.get(method, "-"))
                    if method in PEERS
                    else ours(method, some, count)
                )
                for number, (text, cpu) in zip(left, made, strict=True):
                    where = {"set": name, "method": method, "case": number}
                    figures = measured(cases[number], text, count)
                    rows.add({**where, **figures, "cpu": round(cpu, 4)})
    published = tomllib.loads((HERE / "published.toml").read_text(encoding="utf-8"))["figure"]
    (HERE / "peers.md").write_text(page(list(rows), published), encoding="utf-8")


def ours(method: str, cases: Sequence[Case], count: Count) -> Iterator[tuple[str, float]]:
    """Yield what we keep of each case; a context that is shifted keeps its last tokens."""
    if method == SHIFT:
        for case in cases:
            prompt = Prompt.build(case.passages)
            tokens = Budget(rate=RATE).limit(count(prompt.text))
            yield latest().compress(prompt, Budget(tokens=tokens, count=count)).text, 0.0
        return
    runner = Runner(CONTENDERS[method], OURS[method], count)
    for case in cases:
        [outcome] = runner.outcomes(case.passages, case.question, [RATE])
        yield context(outcome), outcome.cpu_seconds


def theirs(
    peer: str, cases: Sequence[Case], count: Count, python: Path, weights: str
) -> Iterator[tuple[str, float]]:
    """Yield what a peer keeps of each case."""
    worker = subprocess.Popen(
        [str(python), str(HERE / "worker.py"), peer, weights, str(RATE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": "", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
    )
    assert worker.stdin
    assert worker.stdout
    for case in cases:
        tokens = count("\n\n".join(case.passages))
        told = {"passages": case.passages, "question": case.question, "tokens": tokens}
        print(json.dumps(told), file=worker.stdin, flush=True)
        for line in worker.stdout:
            if line.startswith("{"):
                done = json.loads(line)
                break
        else:
            raise SystemExit(f"{peer}: its worker died; the message is above")
        yield done["text"], done["cpu"]
    worker.stdin.close()
    worker.wait()


def measured(case: Case, text: str, count: Count) -> Row:
    """Whether an answer stands in a text, and what of the tokens is left."""
    return {
        "answer": int(any(found(text, answer) for answer in case.answers)),
        "share": round(count(text) / count("\n\n".join(case.passages)), 3),
    }


def page(rows: Sequence[Row], published: Sequence[dict[str, Any]]) -> str:
    """Return the page of these rows and figures."""
    sets = list(dict.fromkeys(row["set"] for row in rows))
    sizes = {name: len({row["case"] for row in rows if row["set"] == name}) for name in sets}
    lines = []
    for method in (*PEERS, SHIFT, *OURS):
        mine = [row for row in rows if row["method"] == method]
        if not mine:
            continue
        cells = []
        for name in sets:
            own = [row for row in mine if row["set"] == name]
            answers = 100 * np.asarray([[row["answer"]] for row in own], dtype=float)
            if len(own) < 5:
                cells.append("–")
                continue
            low, high = interval(answers)[:, 0]
            share = 100 * np.mean([row["share"] for row in own])
            fewer = f", n = {len(own)}" if len(own) < sizes[name] else ""
            cells.append(f"{answers.mean():.0f} [{low:.0f}–{high:.0f}] from {share:.0f} %{fewer}")
        seen = method in ASK or (method in CONTENDERS and CONTENDERS[method].asks)
        spent = np.mean([row["cpu"] for row in mine if row["set"] == sets[0]])
        lines.append([_said(method), "yes" if seen else "–", *cells, f"{1000 * spent:.0f} ms"])
    shown = [f"{name}, n = {size}" for name, size in sizes.items()]
    head = ["answers that survive, %", "sees the question", *shown, f"CPU, {sets[0]}"]
    told = [[f["name"], f["why"], f["figure"], f["source"]] for f in published]
    return "\n".join(
        [
            "# Peers\n",
            f"Asked to keep {RATE} of the tokens; what was kept is counted by SmolLM2-135M's "
            "tokens. An answer survives if it stands in the text as whole words. The llmlingua "
            "library runs in float32 on the weights that ours come from; one thread. llama.cpp's "
            "context shift is what it leaves: the last tokens. Made by `benchmarks.peers.run`.\n",
            table(head, lines) + "\n",
            "## Not run here\n",
            "Published by their authors, on other readers and machines: not to be compared with "
            "the table above.\n",
            table(["peer", "why not", "published", "where"], told) + "\n",
        ]
    )


def _said(method: str) -> str:
    if method == SHIFT:
        return "llama.cpp's context shift"
    return PEERS.get(method) or f"edgelingua {metadata.version('edgelingua')}: {label(method)}"


if __name__ == "__main__":
    main()
