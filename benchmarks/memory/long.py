"""Documents far longer than the cap as memories: nats of answers by how far back they stand.

    python -m benchmarks.memory.long READER.gguf --data DIR --memories none,keep

Documents are paragraphs of SQuAD that follow each other (development file), read in segments under
a cap of 1,024 cells, and asked questions that were not known then, at places all over the document.
Beside the memory: what edgelingua-mini makes of the document in as many tokens, without and with
the question, the document itself where the reader was trained for as much, nothing, and the memory
of another text (1,024 tokens, 128 cells): what that gains is about the kind of answer. Adds a line
for each question to ``long.jsonl``; writes ``long.md``. ``none`` is a memory without an adapter.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.memory.llama import AFTER, nats
from benchmarks.quality.rows import Row, Rows

from edgelingua import Budget, LlamaModel, MemoryAdapter, Prompt, load_compressor
from edgelingua.kv.policies import Streaming
from edgelingua.kv.session import Session
from edgelingua.remembering import opening, portions_of

HERE = Path(__file__).resolve().parent
ADAPTERS = HERE.parents[1] / "models" / "edgelingua-memory"
CAP = 1024
LENGTHS = {1024: (128, 6), 4096: (448, 3), 8192: (448, 2), 30720: (448, 1)}
"""Tokens of a document: cells of its memory, and how many such documents are read."""

ASKED = 24
"""Questions about the documents of a length."""

KEY = ("memory", "length", "document", "question")


@dataclass(frozen=True)
class Asked:
    """A question, its answer, and how many tokens before the end of the text it stands."""

    question: str
    answer: str
    ago: int


def main() -> None:
    """Read each document with each memory, and ask about it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reader", type=Path, help="a GGUF file")
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--memories", default="none,keep", help="folders of --adapters, or none")
    parser.add_argument("--adapters", type=Path, default=ADAPTERS)
    parser.add_argument("--lengths", default=",".join(map(str, LENGTHS)))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--results", type=Path, default=HERE / "long.jsonl")
    options = parser.parse_args()
    reader = LlamaModel(options.reader, threads=options.threads)
    compressor = load_compressor(count=reader.count)
    paragraphs = list(squad(options.data / "squad2_dev_first_half.json.gz"))
    adapters: dict[str, MemoryAdapter | None] = {"none": None}
    for name in {*options.memories.split(","), "keep"} - {"none"}:
        adapters[name] = MemoryAdapter.load(options.adapters / name, reader)
    before = opening(reader, adapters["keep"])  # the same words for all
    last, elsewhere = drawn(reader, paragraphs[::-1], 0, 1024, 1)[0], {}
    rows = Rows(options.results, KEY)
    for length in map(int, options.lengths.split(",")):
        cells, documents = LENGTHS[length]
        first = 0
        for document in range(documents):
            text, asked, first = drawn(reader, paragraphs, first, length, ASKED // documents)
            for name in options.memories.split(","):
                if rows.has(name, length, document, 0):
                    continue
                adapter = adapters[name]
                if name not in elsewhere:
                    elsewhere[name] = begun(reader, before)
                    remembered(elsewhere[name], reader, last, 128, adapter)
                session = begun(reader, before)
                clock, spent = time.perf_counter(), time.process_time()
                remembered(session, reader, text, cells, adapter)
                clock, spent = time.perf_counter() - clock, time.process_time() - spent
                others = {"nothing": begun(reader, before), "other": elsewhere[name]}
                blind = compressor.compress(Prompt.build(text), Budget(tokens=cells)).text
                others["text"] = begun(reader, before)
                others["text"].feed(reader.tokenize_part(blind))
                if length + CAP < reader.trained_length:
                    others["whole"] = begun(reader, before, length + CAP)
                    others["whole"].feed(reader.tokenize_part(text))
                for number, each in enumerate(asked):
                    prompt = Prompt.build(text, question=each.question)
                    known = begun(reader, before)
                    limit = Budget(tokens=cells + reader.count(each.question) + 2)
                    short = compressor.compress(prompt, limit).text.removesuffix(each.question)
                    known.feed(reader.tokenize_part(short.rstrip()))
                    sessions = {"memory": session, "known": known, **others}
                    row = {
                        "memory": name, "length": length, "document": document,
                        "question": number, "ago": each.ago, "cells": cells,
                        "peak": session.statistics.peak, "seconds": round(clock, 1),
                        "cpu": round(spent, 1),
                    }  # fmt: skip
                    for how, one in sessions.items():
                        row[f"nats_{how}"] = round(ask(reader, one.fork(), each), 3)
                    rows.add(row)
                print(name, length, document, f"{clock:.0f} s", session.statistics, flush=True)
    options.results.with_suffix(".md").write_text(table(list(rows)), encoding="utf-8")


def begun(reader: LlamaModel, before: np.ndarray, cap: int = CAP) -> Session:
    """Return a session that has read what stands before a document."""
    session = reader.session(cap, Streaming())
    session.feed(before, pinned=True)
    return session


def remembered(
    session: Session, reader: LlamaModel, text: str, cells: int, adapter: MemoryAdapter | None
) -> None:
    """Leave the cells of a text's memory in a session, as `remember` does."""
    portions = portions_of(reader, text, cells, adapter)
    session.distil(portions, text, adapter=adapter.lora if adapter else None)


def ask(reader: LlamaModel, session: Session, asked: Asked) -> float:
    """Nats a token of the answer."""
    question = reader.tokenize(f"\n\n{asked.question}{AFTER}", special=True)
    return nats(session, question, reader.tokenize_part(asked.answer))


def squad(path: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Paragraphs in their order, with the questions that they answer in at most 12 words."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        articles = json.load(file)["data"]
    for article in articles:
        for paragraph in article["paragraphs"]:
            pairs = [
                (each["question"].strip(), each["answers"][0]["text"])
                for each in paragraph["qas"]
                if each["answers"] and len(each["answers"][0]["text"].split()) <= 12
            ]
            yield paragraph["context"], pairs


def drawn(
    reader: LlamaModel,
    paragraphs: list[tuple[str, list[tuple[str, str]]]],
    first: int,
    length: int,
    questions: int,
) -> tuple[str, list[Asked], int]:
    """Return a document of at most ``length`` tokens from a paragraph on, and what follows it.

    The questions are spread over all of it; the last value is the paragraph behind it.
    """
    ends, end, size = [0], first, 0
    while end < len(paragraphs):
        size += reader.count("\n\n" + paragraphs[end][0])
        if size > length:
            break
        ends.append(size)
        end += 1
    text = "\n\n".join(context for context, _ in paragraphs[first:end])
    asked = [
        Asked(question, answer, ends[-1] - ends[number])
        for number, (_, pairs) in enumerate(paragraphs[first:end])
        for question, answer in pairs[:2]
    ]
    chosen = np.linspace(0, len(asked) - 1, min(questions, len(asked))).round().astype(int)
    return text, [asked[at] for at in chosen], end


HOW = {
    "whole": "the text itself",
    "nothing": "nothing",
    "text": "mini's text",
    "known": "mini's, question known",
    "other": "another's memory",
    "memory": "memory",
}


def table(rows: list[Row]) -> str:
    """Nats by length and by how far back."""
    lines = [
        f"| memory | tokens | cells | where | questions | {' | '.join(HOW.values())} | better than "
        "mini's text | peak | seconds of a core |",
        "|---" * (len(HOW) + 8) + "|",
    ]
    for name in dict.fromkeys(row["memory"] for row in rows):
        for length in sorted({row["length"] for row in rows}):
            mine = [r for r in rows if (r["memory"], r["length"]) == (name, length)]
            middle = length / 2
            for where, some in (
                ("all", mine),
                ("first half", [r for r in mine if r["ago"] > middle]),
                ("second half", [r for r in mine if r["ago"] <= middle]),
            ):
                if not some:
                    continue
                told = [
                    f"{np.mean([r[f'nats_{how}'] for r in some]):.2f}"
                    if f"nats_{how}" in some[0]
                    else "–"
                    for how in HOW
                ]
                better = np.mean([r["nats_memory"] < r["nats_text"] for r in some])
                lines.append(
                    f"| `{name}` | {length:,} | {some[0]['cells']} | {where} | {len(some)} | "
                    f"{' | '.join(told)} | {better:.0%} | {max(r['peak'] for r in some)} | "
                    f"{np.mean([r['cpu'] for r in some]):.0f} |"
                )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
