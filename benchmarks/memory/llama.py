"""Memories written and read by the runtime: nats beside PyTorch's, and the answers themselves.

    python -m benchmarks.memory.llama READER.gguf --memory models/edgelingua-memory/keep \
        --cases cases.jsonl

Every tenth case, 8 and 16 tokens of text for a cell; greedy answers of at most 16 tokens, of which
the first line counts. A memory is distilled in one session, saved, loaded, and attached in others.
Adds a line for each question, ratio and condition to ``llama.jsonl``, with the nats in
``nats.jsonl`` of the memory called ``--name`` beside its own. One thread.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from benchmarks.common.jsonl import append, read
from benchmarks.common.machine import noted
from benchmarks.quality.answers import exact_match, f1
from benchmarks.quality.reader import first_line, negative_log_likelihood
from numpy.typing import NDArray

from edgelingua import LlamaModel, Memory, MemoryAdapter, Sampling
from edgelingua.kv.memory import Portion
from edgelingua.kv.policies import Streaming
from edgelingua.kv.session import Session
from edgelingua.selection.cells import chosen

HERE = Path(__file__).resolve().parent
RATIOS, ANSWER, CELLS = (8, 16), 16, 1024
AFTER = "<|im_end|>\n<|im_start|>assistant\n"
_Ids = NDArray[np.int32]


def main() -> None:
    """Read each case whole, as mini's text and as a memory, and ask its questions."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reader", type=Path, help="a GGUF file")
    parser.add_argument("--memory", type=Path, required=True, help="folder of an adapter")
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--every", type=int, default=10, help="case to take")
    parser.add_argument("--name", default="keep", help="of the memory in nats.jsonl")
    parser.add_argument("--beside", default="whole,text", help="conditions beside the memory")
    parser.add_argument("--before", help="other words before the document than in training")
    parser.add_argument("--elsewhere", help="words before the memory, other than it was written")
    parser.add_argument("--results", type=Path, default=HERE / "llama.jsonl")
    options = parser.parse_args()
    reader = LlamaModel(options.reader, threads=1)
    adapter = MemoryAdapter.load(options.memory, reader)
    torch_nats = {
        (row["ratio"], row["case"]): row
        for row in read(HERE / "nats.jsonl")
        if row["name"] == options.name
    }

    def begun(text: str) -> Session:
        session = reader.session(CELLS, Streaming())
        session.feed(ids(text), pinned=True)
        return session

    def ids(text: str) -> _Ids:
        return reader.tokenize(text, special=True).astype(np.int32)

    before, between, after = options.before or adapter.before, ids("\n\n"), ids(AFTER)
    lines = options.cases.read_text("utf-8").splitlines()
    for number in range(0, len(lines), options.every):
        case = json.loads(lines[number])
        tokens = np.asarray(case["tokens"], np.int32)
        sessions = {}
        if "whole" in options.beside:
            sessions["whole"] = begun(before)
            sessions["whole"].feed(tokens)
        for ratio in RATIOS:
            portion = portion_of(adapter, case, ratio)
            sessions["memory"] = begun(options.elsewhere or before)
            sessions["memory"].attach(
                _filed(begun(before).distil([portion], "", adapter=adapter.lora))
            )
            if "text" in options.beside:
                sessions["text"] = begun(before)
                sessions["text"].feed(np.asarray(case["texts"][str(ratio)], np.int32))
            for place, (question, answer) in enumerate(case["asked"]):
                asked = np.concatenate([between, np.asarray(question, np.int32), after])
                gold = np.asarray(answer, np.int32)
                for how, session in sessions.items():
                    said = _said(reader, session.fork(), asked)
                    accepted = ["".join(reader.stream_text(iter(gold.tolist())))]
                    row = {
                        "name": options.name, "turned": bool(options.elsewhere),
                        "set": case["set"], "case": number, "question": place, "ratio": ratio,
                        "how": how, "nats": round(nats(session.fork(), asked, gold), 3),
                        "torch": torch_nats[ratio, number][how][place],
                        "em": exact_match(said, accepted), "f1": round(f1(said, accepted), 3),
                        "said": said,
                    }  # fmt: skip
                    row["on"] = noted(options.results.parent)
                    append(options.results, json.dumps(row, ensure_ascii=False))


def portion_of(adapter: MemoryAdapter, case: dict[str, Any], ratio: int) -> Portion:
    """A case's document, to be read at once, with a cell for so many tokens."""
    tokens, scores = np.asarray(case["tokens"], np.int32), np.asarray(case["scores"])
    cells = max(1, round(len(tokens) / ratio))
    if adapter.vectors is not None:
        return Portion(tokens, np.zeros(len(tokens), bool), adapter.vectors[:cells])
    return Portion(tokens, chosen(scores, cells, adapter.scorer))


def _filed(memory: Memory) -> Memory:
    """The memory as it comes back from its file."""
    with TemporaryDirectory() as folder:
        memory.save(Path(folder) / "memory.soft")
        return Memory.load(Path(folder) / "memory.soft")


def nats(session: Session, asked: _Ids, gold: _Ids) -> float:
    """Nats a token of an answer to what is asked."""
    session.feed(asked)
    return float(negative_log_likelihood(session, gold).mean())


def _said(reader: LlamaModel, session: Session, asked: _Ids) -> str:
    session.feed(asked)
    sampler = reader.sampler(session, Sampling(temperature=0.0, repeat_penalty=1.0))
    tokens = session.generate(sampler, ANSWER, reader.stop_tokens)
    return first_line(reader.stream_text(tokens))


if __name__ == "__main__":
    main()
