"""Variations of examples: other digits, a question that knows a hop, no question, a made-up one."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from edgelingua.text.boundaries import sentences, words
from edgelingua_export.train.labels import Example, Mark
from edgelingua_export.train.readers_qa import ANSWER, EVIDENCE, answer_marks


def other_digits(examples: Sequence[Example], share: float, seed: int) -> Iterator[Example]:
    """Permute the ten digits, in a group's texts and question alike, in ``share`` of the groups.

    A number's looks then say that it is one, not that it was seen before.
    """
    for group, members in groupby(examples, key=lambda e: e.group or e.text):
        rng = _generator(group, seed)
        swap = str.maketrans("0123456789", "".join(map(str, rng.permutation(10))))
        change = rng.random() < share
        for example in members:
            if change:
                yield replace(
                    example,
                    text=example.text.translate(swap),
                    question=example.question.translate(swap),
                )
            else:
                yield example


def second_pass(examples: Sequence[Example], seed: int) -> Iterator[Example]:
    """Yield the groups with several texts of evidence again, one sentence of it in the question.

    So the model learns what a second pass needs: to find the rest, given what the first pass found
    (multi-hop questions: the second hop's evidence does not resemble the question).
    """
    for group, found in groupby(examples, key=lambda e: e.group):
        members = list(found)
        known = [m for m in members if any(mark.label >= EVIDENCE for mark in m.marks)]
        if len(known) < 2 or not group:
            continue
        rng = _generator(group, seed)
        first = known[int(rng.integers(len(known)))]
        mark = next(mark for mark in first.marks if mark.label >= EVIDENCE)
        clue = first.text[mark.start : mark.end].strip()
        title = first.text.split("\n")[0]
        for member in members:
            question = f"{member.question} {title}: {clue}"
            yield replace(member, question=question, group=f"{group}:second")


def blind(examples: Sequence[Example]) -> Iterator[Example]:
    """Yield the examples without their questions: only what answers them is to be kept.

    So the model learns what questions ask for, among all the texts of a group, when it cannot see
    the question.
    """
    for example in examples:
        marks = tuple(mark for mark in example.marks if mark.label == ANSWER)
        group = example.group and f"{example.group}:blind"  # no group is one of its own
        yield replace(example, question="", marks=marks, group=group)


def cloze(examples: Sequence[Example], seed: int) -> Iterator[Example]:
    """Yield the groups with a question made from a sentence of theirs in place of their own.

    A name or a number of the sentence becomes a question word and is the answer; of the sentence's
    other words some stay, in their order (after Lewis et al. 2019, arXiv:1906.04980, without a
    translation). Groups whose texts have no such sentence are left out.
    """
    for group, found in groupby(examples, key=lambda e: e.group or e.text):
        members = list(found)
        rng = _generator(group, seed)
        for place in rng.permutation(len(members)).tolist():
            made = _asked(members[place].text, rng)
            if made is None:
                continue
            question, start, end = made
            marks = tuple(answer_marks(members[place].text, [(start, end)]))
            for number, member in enumerate(members):
                own = marks if number == place else tuple[Mark, ...]()
                yield replace(
                    member,
                    question=question,
                    marks=own,
                    group=f"{group}:cloze",
                    answer=members[place].text[start:end],
                )
            break


_ANSWER = re.compile(r"(?<=[\w,;] )(?:[A-Z]\w+(?: [A-Z]\w+)*|\d[\d,.]*\d|\d)(?!\w)")
_FEWEST, _STAY = 6, 0.6
"""Words of a sentence that is asked about; share of them that the question keeps."""


def _asked(text: str, rng: np.random.Generator) -> tuple[str, int, int] | None:
    """Question, start and end of its answer in the text."""
    lines = sentences(text).tolist()
    for number in rng.permutation(len(lines)).tolist():
        start, end = lines[number]
        line = text[start:end]
        answers = [match.span() for match in _ANSWER.finditer(line)]
        if not answers:
            continue
        first, last = answers[int(rng.integers(len(answers)))]
        others = [line[a:b] for a, b in words(line).tolist() if b <= first or a >= last]
        kept = _some(others, rng)
        if len(others) < _FEWEST:
            continue
        while len(kept) < _FEWEST // 2:  # chance alone is no reason to leave a sentence out
            kept = _some(others, rng)
        asks = ("when", "how many") if line[first].isdigit() else ("who", "what", "where", "which")
        question = f"{asks[int(rng.integers(len(asks)))]} {' '.join(filter(None, kept))}?"
        return question, start + first, start + last
    return None


def _some(words: Sequence[str], rng: np.random.Generator) -> list[str]:
    return [word.strip(".,;:()") for word in words if rng.random() < _STAY]


def _generator(group: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(group.encode())])
