"""Development documents with questions, and what edgelingua-mini makes of them in equal cells.

    python -m benchmarks.memory.cases READER.gguf --data DIR -o cases.jsonl

Documents are passages that follow each other (SQuAD), or were drawn together (NaturalQuestions), or
belong to one question (HotpotQA), of at most 512 tokens of the reader; they are compressed without
a question. ``bbh``, for instructions, has worked examples of BIG-Bench-Hard's tasks, and prompts of
the same tasks in place of questions; ``t0`` likewise the tasks of T0's training sets that
``gist.toml`` leaves out (in the folder of the training sets). One JSON line each: its tokens and
their scores, up to four questions with answers, and the tokens of mini's text for each ratio.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from edgelingua import Budget, Prompt, load_compressor
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.shipped import shipped_bundles
from edgelingua.scorers import ClassifierScorer
from edgelingua_export.sources import find, load
from edgelingua_export.train.labels import Example
from edgelingua_export.train.memory.passages import gather, judge_of, nothing
from edgelingua_export.train.memory.worked import lessons, worked
from edgelingua_export.train.parts import runtime_tokenizer
from edgelingua_export.train.readers_qa import answer_marks, hotpot, occurrences, squad

RATIOS = (4, 8, 16, 32)
LONGEST, QUESTIONS = 512, 4
SEPARATOR = "\n\n"


def main() -> None:
    """Write the cases of all sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reader", help="a GGUF file")
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--sets", default="squad,nq,hotpotqa")
    parser.add_argument("--documents", type=int, default=100, help="of each set, at most")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    loaded = load(find(options.reader), "scorer")
    reader = runtime_tokenizer(loaded, options.output.parent, "space")
    mini = ModelBundle.open(shipped_bundles()["edgelingua-mini"])
    judge = judge_of(ClassifierScorer(mini))
    compressor = load_compressor(count=reader.count)
    with options.output.open("w", encoding="utf-8") as file:
        for name in options.sets.split(","):
            passages = gather(SETS[name](options.data), reader, nothing)
            made, first = 0, 0
            while first < passages.count and made < options.documents:
                end, size = first, 0
                while (
                    end < passages.count
                    and (size := size + len(passages.tokens(end)) + 2 * (end > first)) <= LONGEST
                ):
                    end += 1
                rows = passages.asked(first, end - 1)[:: max(1, (end - first) // 2)][:QUESTIONS]
                numbers, first = range(first, end), max(end, first + 1)
                if not len(rows):
                    continue
                text = SEPARATOR.join(
                    loaded.tokenizer.decode(passages.tokens(n).tolist()) for n in numbers
                )
                encoding = reader.encode(text)
                texts = {}
                for ratio in RATIOS:
                    cells = max(1, round(len(encoding.ids) / ratio))
                    short = compressor.compress(Prompt.build(text), Budget(tokens=cells)).text
                    texts[str(ratio)] = reader.encode(short).ids.tolist()
                    assert len(texts[str(ratio)]) <= cells
                asked = [[passages.tokens(n).tolist() for n in row[2:].tolist()] for row in rows]
                case = {
                    "set": name,
                    "tokens": encoding.ids.tolist(),
                    "scores": np.round(judge(text, encoding.spans), 4).tolist(),
                    "asked": asked,
                    "texts": texts,
                }
                print(json.dumps(case), file=file, flush=True)
                made += 1
            print(f"{name}: {made} documents", flush=True)


def _squad(data: Path) -> Iterator[Example]:
    return squad(data / "squad2_dev_first_half.json.gz")


def _hotpot(data: Path) -> Iterator[Example]:
    return hotpot(data / "hotpotqa_389.jsonl.gz")


def _nq(data: Path) -> Iterator[Example]:
    with gzip.open(data / "nq_oracle_1300.jsonl.gz", "rt", encoding="utf-8") as file:
        for number, line in enumerate(file):
            row = json.loads(line)
            text = f"{row['ctxs'][0]['title']}\n{row['ctxs'][0]['text']}"
            places = occurrences(text, row["answers"])
            if places:
                marks, answer = answer_marks(text, places), text[slice(*places[0])]
                yield Example(text, tuple(marks), row["question"], str(number), "nq", answer=answer)


def _bbh(data: Path) -> Iterator[Example]:
    for path in sorted((data / "bbh").glob("*.json")):
        pairs = [(e["input"], e["target"]) for e in json.loads(path.read_text("utf-8"))["examples"]]
        yield from lessons(path.stem, pairs[:_OF_A_TASK])


def _t0(data: Path) -> Iterator[Example]:
    yield from islice(worked(data / "t0_prompts.jsonl.gz"), _T0_LEARNED, None)


_OF_A_TASK = 16
_T0_LEARNED = 3350
"""Prompts that ``gist.toml`` may learn from; the tasks behind them are others."""

SETS = {"squad": _squad, "nq": _nq, "hotpotqa": _hotpot, "bbh": _bbh, "t0": _t0}


if __name__ == "__main__":
    main()
