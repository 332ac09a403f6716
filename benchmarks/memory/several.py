"""Two documents in one session: a memory of both, read in segments, and a memory of each.

    python -m benchmarks.memory.several READER.gguf --memory models/edgelingua-memory/keep \
        --cases cases.jsonl

NLL of the answers in nats a token, for questions about the first and about the second document:
with its own memory alone; with the memory of both, whose second segment was read with the first
one's cells in sight; and with two memories attached one behind the other, of which the second has
its keys turned. Adds a line for each question to ``several.jsonl``, and prints the means. One
thread.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from benchmarks.common.jsonl import append, read
from benchmarks.common.machine import noted
from benchmarks.memory.llama import AFTER, CELLS, nats, portion_of

from edgelingua import LlamaModel, MemoryAdapter
from edgelingua.kv.policies import Streaming
from edgelingua.kv.session import Session

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Ask about two documents at a time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reader", type=Path, help="a GGUF file")
    parser.add_argument("--memory", type=Path, required=True, help="folder of an adapter")
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--every", type=int, default=25, help="case to take")
    parser.add_argument("--ratio", type=int, default=8, help="tokens a cell")
    parser.add_argument("--results", type=Path, default=HERE / "several.jsonl")
    options = parser.parse_args()
    reader = LlamaModel(options.reader, threads=1)
    adapter = MemoryAdapter.load(options.memory, reader)
    between, after = reader.tokenize("\n\n"), reader.tokenize(AFTER, special=True)

    def begun() -> Session:
        session = reader.session(CELLS, Streaming())
        session.feed(reader.tokenize(adapter.before, special=True), pinned=True)
        return session

    lines = options.cases.read_text("utf-8").splitlines()
    for number in range(0, len(lines) // 2, options.every):
        # Of another set, so that it does not happen to be about the same things.
        pair = [json.loads(lines[at]) for at in (number, number + len(lines) // 2)]
        portions = [portion_of(adapter, case, options.ratio) for case in pair]
        memories = [begun().distil([each], "", adapter=adapter.lora) for each in portions]
        sessions = {"segments": begun(), "attached": begun()}
        sessions["segments"].distil(portions, "", adapter=adapter.lora)
        for memory in memories:
            sessions["attached"].attach(memory)
            sessions["attached"].feed(between, pinned=True)
        for place, (case, memory) in enumerate(zip(pair, memories, strict=True)):
            sessions["alone"] = begun()
            sessions["alone"].attach(memory)
            for question, answer in case["asked"]:
                asked = np.concatenate([between, np.asarray(question, np.int32), after])
                row: dict[str, object] = {"case": number, "document": place}
                for how, session in sessions.items():
                    own = asked[len(between) :] if how == "attached" else asked
                    row[how] = round(nats(session.fork(), own, np.asarray(answer, np.int32)), 3)
                append(options.results, json.dumps(row | {"on": noted(options.results.parent)}))
    means = defaultdict(list)
    for row in read(options.results):
        for how in ("alone", "segments", "attached"):
            means[row["document"], how].append(row[how])
    for (place, how), values in sorted(means.items()):
        print(f"document {place}, {how}: {np.mean(values):.2f} nats, {len(values)} questions")


if __name__ == "__main__":
    main()
