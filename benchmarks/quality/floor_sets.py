"""Questions that a floor is calibrated on and tried on, and questions without an answer."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks.quality import sets
from benchmarks.quality.sets import Case, found


def _plain(data: Path, name: str) -> Iterator[Case]:
    """One text a question, whose answer stands in it."""
    for row in sets.rows_of(data / "multi" / name):
        texts = [answer["text"].strip() for answer in row["answers"]]
        answers = tuple(text for text in texts if text and found(row["context"], text))
        if answers and row["question"].strip():
            yield Case(row["question"], (row["context"],), answers)


def doc2dial(data: Path) -> Iterator[Case]:
    """Doc2Dial, a page of an authority and what somebody asks about it."""
    yield from _plain(data, "qa_doc2dial_val_en.jsonl.gz")


def friends(data: Path) -> Iterator[Case]:
    """FriendsQA, a scene of a series and a question."""
    yield from _plain(data, "qa_friendsqa_dev_en.jsonl.gz")


def squad_none(data: Path) -> Iterator[Case]:
    """SQuAD 2.0, questions that their paragraph does not answer."""
    with gzip.open(data / "squad2_dev_first_half.json.gz", "rt", encoding="utf-8") as file:
        articles = json.load(file)["data"]
    for article in articles:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                if question["is_impossible"]:
                    yield Case(question["question"], (paragraph["context"],), ())


def nq_none(data: Path) -> Iterator[Case]:
    """NaturalQuestions without the passage that has the answer."""
    for case in sets.nq(data):
        rest = [p for p in case.passages if not any(found(p, a) for a in case.answers)]
        if len(rest) == len(case.passages) - 1:
            yield Case(case.question, tuple(rest), ())


SETS: Mapping[str, Callable[[Path], Iterator[Case]]] = {
    "nq": sets.nq,
    "hotpotqa": sets.hotpot,
    "squad": sets.squad,
    "musique": sets.musique,
    "2wikimultihop": sets.two_wiki,
    "doc2dial": doc2dial,
    "friendsqa": friends,
    "squad-none": squad_none,
    "nq-none": nq_none,
}


def draw(name: str, data: Path, size: int) -> list[Case]:
    """Return some cases of a set, the same for the same set: the first of a fixed shuffle."""
    return sets.shuffled(list(SETS[name](data)), size)
