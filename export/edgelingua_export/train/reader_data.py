"""From a recipe's examples to cases for the reader: questions and answers, texts that go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np

from edgelingua.text.boundaries import words
from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export.train.labels import Example
from edgelingua_export.train.reader_cases import ReaderCase, Wording, make_case
from edgelingua_export.train.readers_qa import ANSWER

_QUESTION = Wording(before="Context:\n")
_ALONE = Wording()
_ANSWER_WORDS = 12
_CONTINUATION = 0.2
"""Share of a text without a question that the reader is to go on with."""
_SHORTEST = 60


def cases(
    examples: Iterable[Example],
    pruner: TextTokenizer,
    reader: TextTokenizer,
    most: int,
    seed: int,
) -> Iterator[ReaderCase]:
    """Yield a case for each group that has one.

    Of a group with a question: the first answer that is marked, its text, other evidence and as
    many of the other texts as fit into ``most`` words, in random order. A text without a question
    is read up to its last fifth, and that is the answer.
    """
    rng = np.random.default_rng(seed)
    for _, members in groupby(examples, key=lambda e: (e.source, e.group or e.text)):
        group = list(members)
        if group[0].question:
            found = _asked(group, most, rng)
            if found:
                passages, answer = found
                yield make_case(passages, group[0].question, answer, pruner, reader, _QUESTION)
        else:
            for example in group:
                spans = words(example.text)[: most + most // 4]
                if len(spans) < _SHORTEST:
                    continue
                cut = int(spans[round(len(spans) * (1 - _CONTINUATION)) - 1, 1])
                text, rest = example.text[:cut], example.text[cut : spans[-1, 1]]
                yield make_case([text], "", rest, pruner, reader, _ALONE)


def _asked(
    group: list[Example], most: int, rng: np.random.Generator
) -> tuple[list[str], str] | None:
    """Passages and answer; nothing if no answer is marked, or it or its evidence is too long."""
    marked = [(e, m) for e in group for m in e.marks if m.label == ANSWER]
    if not marked:
        return None
    first, mark = marked[0]
    answer = first.text[mark.start : mark.end].strip()
    evidence = [e for e in group if e.marks and e is not first]
    others = [e for e in group if not e.marks]
    texts = [first, *evidence, *(others[i] for i in rng.permutation(len(others)))]
    chosen: list[str] = []
    room = most
    for example in texts:
        size = len(words(example.text))
        if size <= room:
            chosen.append(example.text)
            room -= size
    if not answer or len(answer.split()) > _ANSWER_WORDS or first.text not in chosen:
        return None
    return [chosen[i] for i in rng.permutation(len(chosen))], f" {answer}"
