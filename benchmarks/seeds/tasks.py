"""The tasks on which the papers of prompt compression measure, as far as their data is here.

A case is a context that is compressed, and what the reader is asked behind it, which is not. Sets
are those of the data folder's ``dev``: GSM8K's and BIG-Bench-Hard's chain-of-thought prompts,
Natural Questions with the gold passage at five places of twenty, QMSum's meetings, HumanEval behind
solved problems, questions in five languages, LongBench's long Chinese documents.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality.languages import of_language
from benchmarks.quality.sets import nearest, qmsum, rows_of, shuffled

STEP = "\nLet's think step by step"
PLACES = (1, 5, 10, 15, 20)
LANGUAGES = ("ar", "fr", "ja", "ko", "zh")
SOLVED = 8
"""Solved problems in front of one that is to be completed."""


@dataclass(frozen=True)
class Case:
    """One question to the reader.

    ``question`` is shown to methods that see one; ``asked`` is what the reader reads behind the
    context. ``solution`` is a text whose NLL is measured, ``judge`` how an answer is judged:
    ``number``, ``choice``, ``contains``, ``f1``, ``rouge``, or nothing.
    """

    task: str
    group: str
    number: int
    context: tuple[str, ...]
    question: str
    asked: str
    answers: tuple[str, ...] = ()
    solution: str = ""
    judge: str = ""
    evidence: tuple[str, ...] = ()


def gsm8k(data: Path) -> Iterator[Case]:
    """Grade-school arithmetic behind the prompt of the hardest examples."""
    prompt = (data / "gsm8k" / "prompt_hardest.txt").read_text(encoding="utf-8").strip()
    every = list(rows_of(data / "gsm8k" / "gsm8k_test_1019.jsonl.gz"))
    for number, row in enumerate(shuffled(every, 100)):
        thought, _, answer = re.sub(r"<<.*?>>", "", row["answer"]).partition("\n#### ")
        asked = f"Question: {row['question']}{STEP}"
        solution = f"{thought}\nThe answer is {answer}"
        where = ("gsm8k", "prompt_hardest", number, tuple(re.split(r"\n\n(?=Question:)", prompt)))
        yield Case(*where, row["question"], asked, (answer,), solution, "number")


def bbh(data: Path) -> Iterator[Case]:
    """BIG-Bench-Hard, each task behind its own chain-of-thought prompt."""
    for path in sorted((data / "bbh" / "cot-prompts").glob("*.txt")):
        prompt = path.read_text(encoding="utf-8").partition("-----\n")[2].strip()
        examples = json.loads((data / "bbh" / f"{path.stem}.json").read_text("utf-8"))["examples"]
        context = tuple(re.split(r"\n\n(?=Q:)", prompt))
        for number, row in enumerate(shuffled(examples, 8)):
            asked = f"Q: {row['input']}\nA: Let's think step by step."
            where = ("bbh", path.stem, number, context)
            yield Case(*where, row["input"], asked, (row["target"],), judge="choice")


def positions(data: Path) -> Iterator[Case]:
    """Natural Questions, the gold passage at five places among nineteen near ones."""
    for number, (question, gold, others, answers) in enumerate(nearest(data, 19, 60)):
        for place in PLACES:
            passages = (*others[: place - 1], gold, *others[place - 1 :])
            where = ("nq-20", f"{place:02}", number, passages)
            yield Case(*where, question, question, answers, judge="contains")


def meetings(data: Path) -> Iterator[Case]:
    """QMSum: whole meetings, a summary asked for, the evidence known."""
    told = {
        query["query"]: query["answer"]
        for row in rows_of(data / "qmsum_val.jsonl.gz")
        for query in row["specific_query_list"]
    }
    known = [case for case in qmsum(data) if case.question in told]
    for number, each in enumerate(shuffled(known, 30)):
        asked = f"{each.question}\nAnswer in two or three sentences."
        where = ("qmsum", "whole meetings", number, each.passages)
        answers = (told[each.question],)
        yield Case(*where, each.question, asked, answers, judge="rouge", evidence=each.evidence)


def code(data: Path) -> Iterator[Case]:
    """HumanEval, behind solved problems of it: how surprising the solution is."""
    every = shuffled(list(rows_of(data / "HumanEval.jsonl.gz")), 40 + SOLVED)
    solved = tuple(row["prompt"] + row["canonical_solution"] for row in every[:SOLVED])
    for number, row in enumerate(every[SOLVED:]):
        asked = f"Complete this function:\n{row['prompt']}"
        solution = row["prompt"] + row["canonical_solution"]
        yield Case("humaneval", "8 solved", number, solved, row["prompt"], asked, solution=solution)


def languages(data: Path) -> Iterator[Case]:
    """Questions in five languages, one passage among the ten nearest."""
    for lang in LANGUAGES:
        for number, each in enumerate(of_language(data.parent, lang, 40)):
            where = ("languages", lang, number, each.passages)
            yield Case(*where, each.question, each.question, each.answers, judge="contains")


def documents(data: Path) -> Iterator[Case]:
    """LongBench's questions about long documents, in Chinese: the only ones of it that are here."""
    every = list(rows_of(data / "longbench" / "longbench_multifieldqa_zh.jsonl.gz"))
    for number, row in enumerate(shuffled(every, 40)):
        where = ("longbench", "multifieldqa_zh", number, (row["context"],))
        yield Case(*where, row["input"], row["input"], tuple(row["answers"]), judge="f1")


@dataclass(frozen=True)
class Task:
    """Cases, the rates and methods that are tried on them, and the most tokens of an answer."""

    cases: Callable[[Path], Iterator[Case]]
    rates: tuple[float, ...]
    methods: tuple[str, ...]
    longest: int
    system: str


_PLAIN = ("truncate", "mini", "nano", "bm25", "mini-question")
_ASKED = ("truncate", "bm25", "cpc", "mini-question", "nano-question")
_LANGUAGES = ("truncate", "bm25", "multi-question")
_EXAMPLES = "Follow the examples: think step by step, then end with: So the answer is"
_FACTS = "Answer with a few words from the text, in its language, nothing else."

TASKS: Mapping[str, Task] = {
    "gsm8k": Task(gsm8k, (0.5, 0.2, 0.1, 0.07, 0.05),
                  (*_PLAIN, "selective_context", "llmlingua"), 200,
                  "Follow the examples: think step by step, then end with: The answer is"),
    "bbh": Task(bbh, (0.5, 0.33, 0.2, 0.1), (*_PLAIN, "selective_context", "llmlingua"), 200,
                _EXAMPLES),
    "nq-20": Task(positions, (0.5, 0.25), _ASKED, 24, _FACTS),
    "qmsum": Task(meetings, (0.5, 0.11), (*_ASKED, "mini"), 128,
                  "You answer questions about the meeting you are given."),
    "humaneval": Task(code, (0.5, 0.25, 0.1), _PLAIN, 0, "You write Python."),
    "languages": Task(languages, (0.5, 0.2), (*_LANGUAGES, "mini-question"), 24, _FACTS),
    "longbench": Task(documents, (0.5, 0.2), _LANGUAGES, 48, _FACTS),
}  # fmt: skip


def cases_of(name: str, data: Path) -> list[Case]:
    """Return the cases of a task, always the same."""
    return list(TASKS[name].cases(data))
