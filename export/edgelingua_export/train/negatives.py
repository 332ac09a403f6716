"""The texts that look most like an answer: hard negatives, and texts for a teacher to judge."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

from edgelingua_export.train.labels import Example, groups


def with_negatives(examples: Iterable[Example], count: int) -> Iterator[Example]:
    """Yield the examples, the ``count`` BM25-nearest other texts with each question's group.

    A text that contains an answer of the question (a stretch with label 1) is no negative. Examples
    without a question are left as they are. Of many texts, those of one block of a few thousand are
    looked through: time grows with the square of a block.
    """
    for block in _blocks(groups(examples)):
        near = Nearest(example.text for group in block for example in group)
        for group in block:
            yield from group
            if not group[0].question:
                continue
            answers = {
                e.text[m.start : m.end].lower() for e in group for m in e.marks if m.label == 1
            }
            own = {example.text for example in group}
            others = (
                text
                for text, lowered in near.to(group[0].question)
                if text not in own and not any(answer in lowered for answer in answers)
            )
            for text in islice(others, count):
                yield replace(group[0], text=text, marks=())


def _blocks(found: Iterable[list[Example]]) -> Iterator[list[list[Example]]]:
    block: list[list[Example]] = []
    texts: set[str] = set()
    for group in found:
        block.append(group)
        texts |= {example.text for example in group}
        if len(texts) >= BLOCK:
            yield block
            block, texts = [], set()
    if block:
        yield block


BLOCK = 4_000
"""Texts among which the nearest are looked for, where any near ones will do."""


def pooled(examples: Iterable[Example], near: Nearest, count: int) -> Iterator[Example]:
    """Yield, for each question of the examples, the ``count`` nearest texts, unlabelled.

    So a teacher is asked about pairs that neither it nor its student has labels of: more of them
    than a set has questions, and what the teacher knows by heart says nothing about them.
    """
    questions = {e.question: e for e in examples if e.question}
    for example in questions.values():
        for _, (text, _) in zip(range(count), near.to(example.question), strict=False):
            group = f"{example.group}:pooled"
            yield replace(example, text=text, marks=(), group=group, known=False)


class Nearest:
    """Texts by BM25 (Okapi: Robertson and Zaragoza 2009, doi:10.1561/1500000019)."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = [(text, text.lower()) for text in dict.fromkeys(texts)]
        index = BM25Okapi([_terms(text) for text, _ in self._texts])

        @cache  # questions share most of their words; a word's scores cost a walk over all texts
        def of_term(term: str) -> NDArray[np.float32]:
            return np.asarray(index.get_scores([term]), dtype=np.float32)

        self._of_term = of_term

    def to(self, question: str) -> Iterator[tuple[str, str]]:
        """Yield the texts and their lower case, the nearest first."""
        scores = np.sum([self._of_term(term) for term in _terms(question) or [""]], axis=0)
        for place in np.argsort(-scores, kind="stable").tolist():
            yield self._texts[place]


def _terms(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
