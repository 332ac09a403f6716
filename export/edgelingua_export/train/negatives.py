"""Hard negatives: for each question the texts that look most like an answer and hold none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

from edgelingua_export.train.labels import Example


def with_negatives(examples: Sequence[Example], count: int) -> Iterator[Example]:
    """Yield the examples, each with the ``count`` BM25-nearest other texts as its group.

    BM25 is Okapi's (Robertson and Zaragoza 2009, doi:10.1561/1500000019). A text that contains an
    answer of the question (a stretch with label 1) is no negative. Examples without a question are
    left as they are.
    """
    texts = list(dict.fromkeys(example.text for example in examples))
    index = BM25Okapi([_terms(text) for text in texts])
    lowered = [text.lower() for text in texts]

    @cache  # questions share most of their words, and a word's scores cost a walk over all texts
    def of_term(term: str) -> NDArray[np.float32]:
        return np.asarray(index.get_scores([term]), dtype=np.float32)

    for example in examples:
        yield example
        if not example.question:
            continue
        answers = {example.text[m.start : m.end].lower() for m in example.marks if m.label == 1}
        scores = np.sum(
            [of_term(term) for term in _terms(example.question)] or [of_term("")], axis=0
        )
        found = 0
        for place in np.argsort(-scores, kind="stable").tolist():
            if found == count:
                break
            if texts[place] == example.text or any(a in lowered[place] for a in answers):
                continue
            found += 1
            yield replace(example, text=texts[place], marks=())


def _terms(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
