"""The texts that look most like an answer: hard negatives, and texts for a teacher to judge."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

from edgelingua_export.train.labels import Example, groups


def with_negatives(examples: Iterable[Example], count: int) -> Iterator[Example]:
    """Yield the examples, the ``count`` BM25-nearest other texts with each question's group.

    A text that contains an answer of the question (a stretch with label 1) is no negative. Examples
    without a question are left as they are, and those whose answer nobody knows: it
    may be there. Of many texts, those of one block of a few thousand are looked through: time grows
    with the square of a block.
    """
    for block in _blocks(groups(examples)):
        near = Nearest(example.text for group in block for example in group)
        for group in block:
            yield from group
            answers = {
                e.text[m.start : m.end].lower() for e in group for m in e.marks if m.label == 1
            }
            if not group[0].question or not answers:
                continue
            own = {example.text for example in group}
            asked = group[0].near or group[0].question
            for text in islice(near.without(asked, own, answers), count):
                yield replace(group[0], text=text, marks=())


def _blocks(found: Iterable[list[Example]]) -> Iterator[list[list[Example]]]:
    """Cut groups into blocks that have as many texts as each other, about `BLOCK`."""
    whole, known = list(found), set[str]()
    places = []  # for each text the first group that has it
    for place, group in enumerate(whole):
        new = {example.text for example in group} - known
        places += [place] * len(new)
        known |= new
    parts = np.array_split(np.asarray(places), max(1, round(len(places) / BLOCK)))
    for start, end in pairwise([0, *(int(part[0]) for part in parts[1:]), len(whole)]):
        if start < end:
            yield whole[start:end]


BLOCK = 4_000
"""Texts among which the nearest are looked for, where any near ones will do."""


def pooled(examples: Iterable[Example], near: Nearest, count: int) -> Iterator[Example]:
    """Yield, for each question of the examples, the ``count`` nearest texts, unlabelled.

    So a teacher is asked about pairs that neither it nor its student has labels of: more of them
    than a set has questions, and what the teacher knows by heart says nothing about them.
    """
    questions = {e.question: e for e in examples if e.question}
    for example in questions.values():
        asked = example.near or example.question
        for _, (text, _) in zip(range(count), near.to(asked), strict=False):
            group = f"{example.group}:pooled"
            yield replace(example, text=text, marks=(), group=group, known=False)


class Nearest:
    """Texts by BM25 (Okapi: Robertson and Zaragoza 2009, doi:10.1561/1500000019).

    `rank_bm25` has the figures, but walks through all texts for each word; here only through those
    that have it.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = [(text, text.lower()) for text in dict.fromkeys(texts)]
        terms = [_terms(text) for text, _ in self._texts]
        self._values: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        if not any(terms):
            return  # texts without a word are near to nothing
        index = BM25Okapi(terms)
        standing: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for place, often in enumerate(index.doc_freqs):
            for term, count in often.items():
                standing[term].append((place, count))
        share = np.asarray(index.doc_len) / index.avgdl
        damping = index.k1 * (1 - index.b + index.b * share)
        for term, found in standing.items():
            places, counts = np.asarray(found, dtype=np.int64).T
            weight = index.idf[term] * (index.k1 + 1)
            self._values[term] = places, weight * counts / (counts + damping[places])

    def to(self, question: str) -> Iterator[tuple[str, str]]:
        """Yield the texts and their lower case, the nearest first."""
        scores = np.zeros(len(self._texts))
        for term in _terms(question):
            if term in self._values:
                places, values = self._values[term]
                scores[places] += values
        # Few are asked for: only the best are put in order before the others are needed.
        least = np.partition(scores, -_FIRST)[-_FIRST] if len(scores) > _FIRST else -np.inf
        for chosen in (scores > least, scores <= least):
            places = np.flatnonzero(chosen)
            for place in places[np.argsort(-scores[places], kind="stable")].tolist():
                yield self._texts[place]

    def without(
        self, question: str, own: Collection[str], answers: Collection[str]
    ) -> Iterator[str]:
        """Yield the nearest texts, but its ``own`` and those with an answer (lower case)."""
        for text, lowered in self.to(question):
            if text not in own and not any(answer in lowered for answer in answers):
                yield text


_FIRST = 64


# Scripts without spaces between words: Thai, Lao, Myanmar, Khmer, kana, ideographs.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
# `\w` leaves out the marks that spell the vowels of Devanagari, Thai and others.
_MARKS = "".join(c for c in map(chr, range(0x300, 0xAC00)) if unicodedata.category(c)[0] == "M")
_TERM = re.compile(rf"[{_UNSPACED}]+|[^\W{_UNSPACED}](?:[^\W{_UNSPACED}]|[{_MARKS}])*")
_JOINED = re.compile(rf"[{_UNSPACED}]")


def _terms(text: str) -> list[str]:
    """Words in lower case; of scripts without spaces, each two neighbouring characters."""
    lowered = text.lower()
    if lowered.isascii():
        return re.findall(r"\w+", lowered)
    found: list[str] = []
    for run in _TERM.findall(lowered):
        if len(run) > 1 and _JOINED.match(run):
            found += [run[i : i + 2] for i in range(len(run) - 1)]
        else:
            found.append(run)
    return found
