"""A recipe's texts and questions as tokens of the reader, with what a scorer thinks of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgelingua.files.atomic import PUBLIC, write_atomically
from edgelingua.scorers import ClassifierScorer
from edgelingua.selection.cells import word_scores
from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export.errors import ExportError
from edgelingua_export.train.labels import Example, groups
from edgelingua_export.train.readers_qa import ANSWER

_Ids = NDArray[np.int32]
Judge = Callable[[str, NDArray[np.int64]], NDArray[np.float32]]
"""Scores ``(T,)`` of a text's tokens ``(T, 2)``; higher = keep."""

_WORDS = 12
"""Most words of an answer."""
_APART = 4
"""Most passages that a question needs: what follows each other in a document is near."""


@dataclass(frozen=True, eq=False)
class Passages:
    """Passages in the order of their data, and questions about them.

    Parameters
    ----------
    ids, edges
        Tokens of all passages, questions and answers, and where each begins and the last one ends.
        The passages come first.
    scores
        float16, of the passages' tokens.
    questions
        int32 ``(n, 4)``: first and last of the passages that it needs, the text that is its
        question, and its answer. Sorted by the first.
    """

    ids: _Ids
    edges: NDArray[np.int64]
    scores: NDArray[np.float16]
    questions: NDArray[np.int32]

    @property
    def count(self) -> int:
        """Number of passages."""
        return int(np.searchsorted(self.edges, len(self.scores)))

    def tokens(self, number: int) -> _Ids:
        """Tokens ``(T,)`` of a passage, a question or an answer."""
        return self.ids[self.edges[number] : self.edges[number + 1]]

    def worth(self, number: int) -> NDArray[np.float16]:
        """Scores ``(T,)`` of a passage's tokens."""
        return self.scores[self.edges[number] : self.edges[number + 1]]

    def asked(self, first: int, last: int) -> NDArray[np.int32]:
        """Rows of ``questions`` that need none but the passages ``first … last``."""
        low, high = np.searchsorted(self.questions[:, 0], [first, last + 1])
        rows = self.questions[low:high]
        return rows[rows[:, 1] <= last]

    def save(self, path: Path) -> None:
        """Write one compressed file."""
        with write_atomically(path, PUBLIC) as file:
            np.savez_compressed(file, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Passages:
        """Read what `save` wrote.

        Raises
        ------
        ExportError
            The file is something else.
        """
        try:
            with np.load(path) as arrays:
                return cls(**{field.name: arrays[field.name] for field in fields(cls)})
        except Exception as error:  # what zipfile and numpy make of other bytes
            raise ExportError(f"{path}: not prepared passages ({error}); delete it") from error


def gather(examples: Iterable[Example], reader: TextTokenizer, judge: Judge) -> Passages:
    """Tokenize and score texts, each once, and the questions whose answers they hold.

    Of texts that share a question those with evidence come first. A question is left out if its
    answer is longer than 12 words, or its evidence stands far apart: an earlier question had it.

    Raises
    ------
    ExportError
        There are no texts.
    """
    numbers: dict[str, int] = {}
    texts: list[_Ids] = []
    scores: list[NDArray[np.float16]] = []
    asked: list[tuple[int, int, str, str]] = []
    for group in groups(examples):
        needed = []
        for example in sorted(group, key=lambda e: not e.marks):
            if example.text not in numbers:
                encoding = reader.encode(example.text)
                numbers[example.text] = len(texts)
                texts.append(encoding.ids.astype(np.int32))
                scores.append(judge(example.text, encoding.spans).astype(np.float16))
            if example.marks:
                needed.append(numbers[example.text])
        answer = _answer(group)
        near = bool(needed) and max(needed) - min(needed) < _APART
        if group[0].question and answer and near:
            asked.append((min(needed), max(needed), group[0].question, answer))
    if not texts:
        raise ExportError("no texts: the recipe's files hold none")
    rows = []
    for first, last, question, answer in sorted(set(asked)):
        rows.append((first, last, len(texts), len(texts) + 1))
        texts += [reader.encode(said).ids.astype(np.int32) for said in (question, answer)]
    edges = np.concatenate([[0], np.cumsum([len(text) for text in texts], dtype=np.int64)])
    questions = np.asarray(rows, dtype=np.int32).reshape(-1, 4)
    return Passages(np.concatenate(texts), edges, np.concatenate(scores), questions)


def judge_of(scorer: ClassifierScorer) -> Judge:
    """Score tokens as `selection.cells.word_scores` does."""
    return partial(word_scores, scorer)


def nothing(text: str, spans: NDArray[np.int64]) -> NDArray[np.float32]:
    """Score all tokens 0."""
    return np.zeros(len(spans), np.float32)


def _answer(group: list[Example]) -> str:
    given = next((e.answer for e in group if e.answer), "")
    marked = [e.text[m.start : m.end] for e in group for m in e.marks if m.label == ANSWER]
    answer = (given or next(iter(marked), "")).strip()
    return answer if len(answer.split()) <= _WORDS else ""
