"""Questions with passages: the public development sets, read into one shape.

The data folder holds the files under the names below (its README says where each comes from).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from rank_bm25 import BM25Okapi

T = TypeVar("T")


@dataclass(frozen=True)
class Case:
    """A question, the passages it is asked about, and strings that answer it.

    ``evidence`` are the sentences that the answer rests on, where the set names them.
    """

    question: str
    passages: tuple[str, ...]
    answers: tuple[str, ...]
    evidence: tuple[str, ...] = ()


def nq(data: Path, distractors: int = 9) -> Iterator[Case]:
    """NaturalQuestions, gold passage among the BM25-nearest passages of other questions.

    A distractor contains none of the answers. The order is shuffled with a fixed seed.
    """
    rng = np.random.default_rng(0)
    for question, gold, others, answers in nearest(data, distractors):
        chosen = [gold, *others]
        order = rng.permutation(len(chosen)).tolist()
        yield Case(question, tuple(chosen[i] for i in order), answers)


def nearest(
    data: Path, distractors: int, size: int | None = None
) -> Iterator[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    """Question, gold passage, the BM25-nearest ones without an answer, answers, of each row.

    ``size``: of some rows only, the first of a fixed shuffle.
    """
    rows = list(rows_of(data / "nq_oracle_1300.jsonl.gz"))
    passages = [_titled(row["ctxs"][0]["title"], row["ctxs"][0]["text"]) for row in rows]
    index = BM25Okapi([terms(passage) for passage in passages])
    numbers = range(len(rows)) if size is None else shuffled(range(len(rows)), size)
    for number in numbers:
        row = rows[number]
        near = np.argsort(-index.get_scores(terms(row["question"])), kind="stable")
        others: list[str] = []
        for place in near.tolist():
            if len(others) == distractors:
                break
            if place != number and not any(found(passages[place], a) for a in row["answers"]):
                others.append(passages[place])
        yield row["question"], passages[number], tuple(others), tuple(row["answers"])


def hotpot(data: Path) -> Iterator[Case]:
    """HotpotQA, the ten paragraphs of the distractor setting, bridge questions with a span."""
    for row in rows_of(data / "hotpotqa_389.jsonl.gz"):
        lines = {p["title"]: p["sents"] or [p["text"]] for p in row["context"]}
        passages = tuple(
            _titled(title, " ".join(s.strip() for s in lines[title])) for title in lines
        )
        evidence = [
            lines[title][index].strip()
            for title, index in row["supporting"]
            if index is not None and title in lines and index < len(lines[title])
        ]
        if row["type"] == "bridge" and any(found(p, row["answer"]) for p in passages):
            yield Case(row["question"], passages, (row["answer"],), tuple(evidence))


def two_wiki(data: Path) -> Iterator[Case]:
    """2WikiMultihopQA, ten paragraphs; rows with a context, whose answer is a span."""
    for row in rows_of(data / "2wikimultihop_dev_100.jsonl.gz"):
        if not row.get("context"):
            continue
        lines = {title: [s.strip() for s in sentences] for title, sentences in row["context"]}
        passages = tuple(_titled(title, " ".join(lines[title])) for title in lines)
        evidence = [lines[t][i] for t, i in row["supporting_facts"] if i < len(lines.get(t, ()))]
        if any(found(p, row["answer"]) for p in passages):
            yield Case(row["question"], passages, (row["answer"],), tuple(evidence))


def musique(data: Path) -> Iterator[Case]:
    """MuSiQue, twenty paragraphs."""
    for row in rows_of(data / "musique_dev_100.jsonl.gz"):
        passages = tuple(_titled(p["title"], p["paragraph_text"]) for p in row["paragraphs"])
        answers = (row["answer"], *row["answer_aliases"])
        if any(found(p, a) for p in passages for a in answers):
            yield Case(row["question"], passages, answers)


def squad(data: Path) -> Iterator[Case]:
    """SQuAD 2.0 development articles, one paragraph a question; answerable questions."""
    with gzip.open(data / "squad2_dev_first_half.json.gz", "rt", encoding="utf-8") as file:
        articles = json.load(file)["data"]
    for article in articles:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                answers = tuple(sorted({a["text"] for a in question["answers"]}))
                if any(found(paragraph["context"], answer) for answer in answers):
                    yield Case(question["question"], (paragraph["context"],), answers)


def qmsum(data: Path) -> Iterator[Case]:
    """QMSum, a whole meeting a question; no answer string, sentences of evidence instead."""
    meetings = [row["meeting_transcripts"] for row in rows_of(data / "qmsum_val.jsonl.gz")]
    lines = [[(t["speaker"], t["content"]) for t in turns] for turns in meetings]
    for row in rows_of(data / "qmsum_summary_evidence_val.jsonl.gz"):
        for query in row["qmsum"]["specific_query_list"]:
            facts = [
                f["content"] for facts in query["evidence"] for f in facts if len(f["content"]) > 15
            ]
            for turns in lines:
                if facts and sum(facts[0] in content for _, content in turns):
                    text = "\n".join(f"{speaker}: {content}" for speaker, content in turns)
                    kept = tuple(dict.fromkeys(f for f in facts if f in text))
                    yield Case(query["query"], (text,), (), kept)
                    break


SETS: Mapping[str, Callable[[Path], Iterator[Case]]] = {
    "nq": nq,
    "hotpotqa": hotpot,
    "2wikimultihop": two_wiki,
    "musique": musique,
    "squad": squad,
    "qmsum": qmsum,
}


def draw(name: str, data: Path, size: int) -> list[Case]:
    """Return some cases of a set, the same for the same set: the first of a fixed shuffle."""
    return shuffled(list(SETS[name](data)), size)


def shuffled(cases: Sequence[T], size: int) -> list[T]:
    """Return the first of a fixed shuffle."""
    return [cases[i] for i in np.random.default_rng(0).permutation(len(cases))[:size].tolist()]


def found(text: str, answer: str) -> list[tuple[int, int]]:
    """Where an answer stands in a text as whole words, case ignored: character ranges."""
    pattern = rf"(?<!\w){re.escape(answer.strip())}(?!\w)"
    return [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]


def _titled(title: str, text: str) -> str:
    return f"{title}\n{text}"


def terms(text: str) -> list[str]:
    """Words of a text, for BM25."""
    return re.findall(r"\w+", text.lower())


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
