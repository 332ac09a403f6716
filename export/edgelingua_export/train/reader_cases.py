"""Cases for a reader in the loop: the same words as the pruner's pieces and the reader's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.text.boundaries import words
from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export.train.batches import Layout

_Ids = NDArray[np.int32]
_JOINT = "\n\n"


@dataclass(frozen=True, eq=False)
class ReaderCase:
    """What a pruner scores, and what a reader reads and is to say.

    ``question`` and ``texts``: the pruner's pieces of the question and of each passage, with the
    ``text_words`` they belong to, counted over all passages. ``reader``: the reader's tokens of
    prompt and answer, with ``reader_words``: the word of each, -1 for those that always stay;
    the last ``answer`` of them are what it is to say.
    """

    question: _Ids
    texts: tuple[_Ids, ...]
    text_words: tuple[_Ids, ...]
    reader: _Ids
    reader_words: _Ids
    answer: int
    words: int


@dataclass(frozen=True)
class Wording:
    """What stands around the passages: ``before``, ``between`` them and the question, ``after``."""

    before: str = ""
    between: str = "\n\nQuestion: "
    after: str = "\nAnswer:"


def make_case(
    passages: Sequence[str],
    question: str,
    answer: str,
    pruner: TextTokenizer,
    reader: TextTokenizer,
    wording: Wording,
) -> ReaderCase:
    """Align words, pieces and tokens by their characters.

    Without a question ``answer`` is the text that goes on behind the passages.
    """
    text = _JOINT.join(passages)
    spans = words(text)
    starts = np.cumsum([0, *(len(p) + len(_JOINT) for p in passages)])
    pieces = [pruner.encode(passage) for passage in passages]
    placed = [
        _word_of(spans, piece.spans + start)
        for piece, start in zip(pieces, starts[:-1], strict=True)
    ]
    end = f"{wording.between}{question}{wording.after}" if question else ""
    before, context = reader.encode(wording.before), reader.encode(text)
    after, said = reader.encode(end), reader.encode(answer)
    always = [np.full(len(part.ids), -1, np.int32) for part in (before, after, said)]
    return ReaderCase(
        pruner.encode(question).ids.astype(np.int32),
        tuple(piece.ids.astype(np.int32) for piece in pieces),
        tuple(placed),
        np.concatenate([p.ids for p in (before, context, after, said)]).astype(np.int32),
        np.concatenate([always[0], _word_of(spans, context.spans), *always[1:]]),
        len(said.ids),
        len(spans),
    )


def _word_of(spans: NDArray[np.int64], tokens: NDArray[np.int64]) -> _Ids:
    """Word in which the last character of each token stands: a leading space is the next word's."""
    word = np.searchsorted(spans[:, 1], np.maximum(tokens[:, 1] - 1, 0), side="right")
    return np.minimum(word, len(spans) - 1).astype(np.int32)


@dataclass(frozen=True, eq=False)
class ReaderBatch:
    """Cases side by side.

    The pruner's windows: ``ids``, ``types``, ``mask`` as in a `Batch`, ``words`` ``(n, T)`` and
    ``cases`` ``(n,)``. The reader's: ``tokens`` ``(B, L)``, padded at the end (``real`` false),
    ``token_words`` ``(B, L)``, ``answer`` bool ``(B, L)``. ``shape``: cases, most words.
    """

    ids: NDArray[np.int64]
    types: NDArray[np.int64]
    mask: NDArray[np.bool_]
    words: NDArray[np.int64]
    cases: NDArray[np.int64]
    tokens: NDArray[np.int64]
    real: NDArray[np.bool_]
    token_words: NDArray[np.int64]
    answer: NDArray[np.bool_]
    shape: tuple[int, int]


def join(cases: Sequence[ReaderCase], layout: Layout) -> ReaderBatch:
    """Make a batch; texts longer than the pruner's window are cut into windows."""
    rows, row_words, row_types, numbers = [], [], [], []
    for number, case in enumerate(cases):
        question = case.question[: layout.question]
        head = [layout.first, *question, layout.last] if len(question) else [layout.first]
        room = layout.window - len(head) - 1
        for text, word in zip(case.texts, case.text_words, strict=True):
            for at in range(0, len(text), room):
                part = text[at : at + room]
                rows.append(np.asarray([*head, *part, layout.last]))
                row_words.append(np.asarray([-1] * len(head) + [*word[at : at + room], -1]))
                kind = int(len(question) > 0)
                row_types.append(np.asarray([0] * len(head) + [kind] * (len(part) + 1)))
                numbers.append(number)
    tokens = [case.reader for case in cases]
    answer = [np.arange(len(c.reader)) >= len(c.reader) - c.answer for c in cases]
    return ReaderBatch(
        _padded(rows, 0),
        _padded(row_types, 0),
        _padded([np.ones(len(r), bool) for r in rows], False).astype(bool),
        _padded(row_words, -1),
        np.asarray(numbers),
        _padded(tokens, 0),
        _padded([np.ones(len(t), bool) for t in tokens], False).astype(bool),
        _padded([case.reader_words for case in cases], -1),
        _padded(answer, False).astype(bool),
        (len(cases), max(case.words for case in cases)),
    )


_MULTIPLE = 8
"""Fused attention with a gradient for its bias wants rows that begin at a multiple of it."""


def _padded(rows: Sequence[NDArray[np.generic]], value: int) -> NDArray[np.int64]:
    length = -(-max(map(len, rows)) // _MULTIPLE) * _MULTIPLE
    out = np.full((len(rows), length), value, np.int64)
    for place, row in enumerate(rows):
        out[place, : len(row)] = row
    return out
