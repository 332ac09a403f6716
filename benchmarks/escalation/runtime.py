"""The same in llama.cpp's cache, through ``ask(..., escalate=True)``: questions of SQuAD.

    python -m benchmarks.escalation.runtime MODEL.gguf --name qwen2.5-0.5b --data DIR

Reads a twentieth of each paragraph, and on until all of it is read, whatever the doubt; notes the
answer and the doubt of every step, so that any threshold can be looked up. Adds a line to
``runtime.jsonl`` for each case; goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Generator
from pathlib import Path
from threading import Event

from benchmarks.common import jsonl
from benchmarks.quality.answers import SYSTEM, exact_match, f1
from benchmarks.quality.sets import Case, draw, found

from edgelingua import Budget, LlamaModel, Prompt, Sampling, load_compressor
from edgelingua.prompt import SEPARATOR
from edgelingua.readers.capped import CappedReader
from edgelingua.readers.reader import Asked, Written
from edgelingua.selection.rest import Unread
from edgelingua.system.measure import Stopwatch

HERE = Path(__file__).parent
RATE = 0.05


def main() -> None:
    """Add the cases that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_argument("--name", required=True, help="of the reader, in the rows")
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--rows", type=Path, default=HERE / "runtime.jsonl")
    options = parser.parse_args()
    model = LlamaModel(options.model, threads=1)
    there = {(row["reader"], row["case"]) for row in jsonl.read(options.rows)}
    for number, case in enumerate(draw("squad", options.data, options.cases)):
        if (options.name, number) not in there:
            where = {"reader": options.name, "set": "squad", "case": number}
            row = {**where, "held_out": number % 3 == 2, str(RATE): steps(model, case)}
            jsonl.append(options.rows, json.dumps(row, separators=(",", ":")))


def steps(model: LlamaModel, case: Case) -> dict[str, list[float]]:
    """Return what was read up to each step, how right the answer was, and its doubt."""
    prompt = Prompt.build(case.passages, question=case.question)
    question = model.count(SEPARATOR + case.question)
    tokens = Budget(rate=RATE).limit(model.count(prompt.text) - question) + question
    compressed = load_compressor(count=model.count).compress(prompt, Budget(tokens=tokens))
    asked = Asked(case.question, SYSTEM, Sampling(repeat_penalty=1.0), 24, doubting=True)
    reading = CappedReader(model, cap=4000).reading(asked)
    unread, read = Unread.of(compressed, model.count), 0
    told: dict[str, list[float]] = {name: [] for name in ("read", "em", "f1", "in", "doubt")}
    attempt = reading.write(compressed, Stopwatch(), Event())
    while True:
        written = _end(attempt)
        text, read = written.text.strip(), read + written.read
        right = float(any(found(text, answer) for answer in case.answers))
        shown = {"em": exact_match(text, case.answers), "f1": round(f1(text, case.answers), 3)}
        figures = {"read": read, **shown, "in": right, "doubt": round(written.doubt or 0.0, 4)}
        for name, value in figures.items():
            told[name].append(value)
        if (more := unread.further(2.0, reading.left())) is None:
            return told
        further, unread = more
        attempt = reading.write_on(further, Stopwatch(), Event())


def _end(attempt: Generator[str, None, Written]) -> Written:
    while True:
        try:
            next(attempt)
        except StopIteration as end:
            done: Written = end.value
            return done


if __name__ == "__main__":
    main()
