"""Readers of question answering sets: the answer and the sentences it needs are the labels."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edgelingua.text.boundaries import sentences
from edgelingua_export.errors import ExportError
from edgelingua_export.train.labels import Example, Mark, open_text, rows

ANSWER, EVIDENCE, BRIDGE = 1.0, 0.4, 0.8
"""Labels: words of the answer; the rest of a sentence that it needs; an answer on the way to it."""


def occurrences(text: str, answers: Sequence[str]) -> list[tuple[int, int]]:
    """Where whole-word occurrences of the answers stand, case ignored: character ranges."""
    found: set[tuple[int, int]] = set()
    for answer in answers:
        if answer.strip():
            pattern = rf"(?<!\w){re.escape(answer.strip())}(?!\w)"
            found |= {match.span() for match in re.finditer(pattern, text, re.IGNORECASE)}
    return sorted(found)


def answer_marks(
    text: str, answers: Sequence[tuple[int, int]], label: float = ANSWER
) -> list[Mark]:
    """Return marks for the sentences of the answers, then for the answers themselves."""
    marks = [
        Mark(start, end, EVIDENCE)
        for start, end in sentences(text).tolist()
        if any(start < b and a < end for a, b in answers)
    ]
    return marks + [Mark(a, b, label) for a, b in answers]


def squad(path: Path) -> Iterator[Example]:
    """SQuAD 1.1 and 2.0 (Rajpurkar et al. 2016, arXiv:1606.05250): one example a question.

    Also JSON lines of ``{context, qas: [{question, answer}]}``. Questions without an answer are
    left out.
    """
    for title, context, questions in _paragraphs(path):
        text = f"{title}\n{context}" if title else context
        for number, (question, answers) in enumerate(questions):
            places = _places(text, answers, len(text) - len(context))
            if places:
                group = f"{path.name}:{title}:{hash_text(context)}:{number}"
                marks = tuple(answer_marks(text, places))
                yield Example(text, marks, question, group, "squad", answer=answers[0][0])


def squad_answers(path: Path) -> Iterator[Example]:
    """SQuAD's paragraphs without a question: what some question asks for is to be kept."""
    for title, context, questions in _paragraphs(path):
        places = sorted({p for _, answers in questions for p in _places(context, answers, 0)})
        group = f"{path.name}:{title}:{hash_text(context)}"
        marks = tuple(Mark(a, b, ANSWER) for a, b in places)
        yield Example(context, marks, "", group, "squad-answers")


def hotpot(path: Path) -> Iterator[Example]:
    """HotpotQA (Yang et al. 2018, arXiv:1809.09600): the paragraphs of a question are a group.

    Where a row names gold paragraphs only, their evidence is each sentence with the answer or with
    the other gold paragraph's title; without any, the first.
    """
    for row in rows(path):
        context = [(p["title"], p["sents"] or _split(p["text"])) for p in row["context"]]
        supporting = {(title, index) for title, index in row["supporting"] if index is not None}
        gold = {p["title"] for p in row["context"] if p.get("is_gold")}
        if not supporting:
            supporting = _guess(context, gold, row["answer"])
        yield from _multi_hop(row["question"], [row["answer"]], context, supporting, "hotpotqa")


def two_wiki(path: Path) -> Iterator[Example]:
    """2WikiMultihopQA (Ho et al. 2020, arXiv:2011.01060); the objects of its triples count too."""
    for row in rows(path):
        supporting = {(title, index) for title, index in row["supporting_facts"]}
        bridges = [triple[2] for triple in row["evidences"]]
        context = [(title, list(lines)) for title, lines in row["context"]]
        yield from _multi_hop(
            row["question"], [row["answer"], *bridges], context, supporting, "2wikimultihop"
        )


def musique(path: Path) -> Iterator[Example]:
    """MuSiQue (Trivedi et al. 2022, arXiv:2108.00573): each hop's answer in its own paragraph."""
    for row in rows(path):
        steps: dict[int, list[str]] = {}
        for step in row["question_decomposition"]:
            steps.setdefault(step["paragraph_support_idx"], []).append(step["answer"])
        final = [row["answer"], *row.get("answer_aliases", [])]
        for paragraph in row["paragraphs"]:
            text = f"{paragraph['title']}\n{paragraph['paragraph_text']}"
            marks: list[Mark] = []
            if paragraph["is_supporting"]:
                own = steps.get(paragraph["idx"], [])
                marks = answer_marks(text, occurrences(text, own), BRIDGE)
                marks += [Mark(a, b, ANSWER) for a, b in occurrences(text, final)]
                marks = marks or [Mark(0, len(text), EVIDENCE)]
            group = f"musique:{row['id']}"
            yield Example(
                text, tuple(marks), row["question"], group, "musique", answer=row["answer"]
            )


def hash_text(text: str) -> str:
    """Return a short name for a text, the same on every machine."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:12]


_Question = tuple[str, list[tuple[str, int | None]]]


def _paragraphs(path: Path) -> Iterator[tuple[str, str, list[_Question]]]:
    """Title, context, and questions with ``(answer, offset)``."""
    if ".jsonl" in path.name:
        for row in rows(path):
            yield "", row["context"], [(q["question"], [(q["answer"], None)]) for q in row["qas"]]
        return
    try:
        articles: list[dict[str, Any]] = json.load(open_text(path))["data"]
    except (ValueError, KeyError, TypeError) as error:
        raise ExportError(f"{path}: not a SQuAD file ({error})") from error
    for article in articles:
        title = article["title"].replace("_", " ")
        for paragraph in article["paragraphs"]:
            questions: list[_Question] = [
                (q["question"], [(a["text"], a["answer_start"]) for a in q["answers"]])
                for q in paragraph["qas"]
            ]
            yield title, paragraph["context"], questions


def _places(
    text: str, answers: Sequence[tuple[str, int | None]], shift: int
) -> list[tuple[int, int]]:
    places: set[tuple[int, int]] = set()
    for answer, start in answers:
        if start is None:
            places |= set(occurrences(text, [answer])[:1])
        elif text[start + shift : start + shift + len(answer)] == answer:
            places.add((start + shift, start + shift + len(answer)))
    return sorted(places)


def _split(text: str) -> list[str]:
    return [text[a:b] for a, b in sentences(text).tolist()]


def _guess(
    context: Sequence[tuple[str, Sequence[str]]], gold: set[str], answer: str
) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for title, lines in context:
        if title in gold:
            clues = [answer, *(other for other in gold if other != title)]
            hits = [i for i, line in enumerate(lines) if occurrences(line, clues)]
            found |= {(title, index) for index in hits or [0]}
    return found


def _multi_hop(
    question: str,
    answers: Sequence[str],
    context: Sequence[tuple[str, Sequence[str]]],
    supporting: set[tuple[str, int]],
    source: str,
) -> Iterator[Example]:
    """Yield a group; the answers count in evidence sentences only (yes and no stand everywhere).

    The first of ``answers`` is the question's.
    """
    group = f"{source}:{hash_text(question)}"
    for title, lines in context:
        text, marks = f"{title}\n", list[Mark]()
        for index, line in enumerate(lines):
            start = len(text)
            text += line.strip() + " "
            if (title, index) in supporting:
                marks.append(Mark(start, len(text), EVIDENCE))
                places = occurrences(line.strip(), answers)
                marks += [Mark(start + a, start + b, ANSWER) for a, b in places]
        text = text.rstrip()
        inside = tuple(_inside(marks, len(text)))
        yield Example(text, inside, question, group, source, answer=answers[0])


def _inside(marks: Sequence[Mark], length: int) -> Iterator[Mark]:
    for mark in marks:
        yield Mark(min(mark.start, length), min(mark.end, length), mark.label)
