"""Variations of examples that make the model robust: other digits, a question that knows a hop."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from edgelingua_export.train.labels import Example
from edgelingua_export.train.readers_qa import EVIDENCE


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


def _generator(group: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(group.encode())])
