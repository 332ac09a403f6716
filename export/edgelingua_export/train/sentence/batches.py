"""From groups of texts to windows with their sentences numbered, and the questions about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgelingua_export.train.batches import Layout, choose
from edgelingua_export.train.corpus import Corpus
from edgelingua_export.train.descent import Spans

NO_SENTENCE = -1


@dataclass(frozen=True, eq=False)
class Rows:
    """Sequences of tokens, padded.

    ``ids`` int64 ``(n, T)``; ``mask`` bool ``(n, T)``, true on tokens; ``sentence`` int64
    ``(n, T)``, the number of the sentence that a token belongs to, or -1.
    """

    ids: NDArray[np.int64]
    mask: NDArray[np.bool_]
    sentence: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Batch:
    """Questions and the sentences of all of their texts.

    Parameters
    ----------
    windows
        The texts; sentences are numbered through all of them.
    questions
        A row each; its one sentence has the question's number.
    labels
        float32 ``(questions, sentences)``: how much a sentence is evidence for a question.
    sizes
        int64 ``(sentences,)``: tokens of each.
    own
        bool ``(questions, sentences)``: sentences of the question's own group.
    """

    windows: Rows
    questions: Rows
    labels: NDArray[np.float32]
    sizes: NDArray[np.int64]
    own: NDArray[np.bool_]


def assemble(corpus: Corpus, spans: Spans, layout: Layout, rng: np.random.Generator) -> Batch:
    """Make the batch of some groups, given as ranges of ``corpus.items``; each text is there once.

    Of a group the texts with labels come first, in random order; a share of the groups
    (``layout.stream``) has its texts joined into windows, as those of a long document are.
    """
    windows: list[_Window] = []
    numbers: dict[int, tuple[int, int]] = {}  # of each text's sentences: first, end
    sizes: list[NDArray[np.int64]] = []
    for begin, end in spans:
        chosen = choose(corpus.items[begin:end], layout.passages, rng)
        new = [t for t in dict.fromkeys(chosen[:, 2].tolist()) if t not in numbers]
        for text in new:
            first = sum(map(len, sizes))
            sizes.append(np.diff(corpus.sentences(text)))
            numbers[text] = first, first + len(sizes[-1])
        runs = [new] if rng.random() < layout.stream else [[text] for text in new]
        for run in runs:
            windows += _windows(corpus, run, numbers, layout.window - 2)
    total = sum(map(len, sizes))
    labels = np.zeros((len(spans), total), dtype=np.float32)
    own = np.zeros((len(spans), total), dtype=bool)
    for row, (begin, end) in enumerate(spans):
        for item in corpus.items[begin:end]:
            if int(item[2]) in numbers:
                here = slice(*numbers[int(item[2])])
                own[row, here] = True
                labels[row, here] = _labels(corpus, item)
    asked = [corpus.tokens(int(corpus.items[a, 1]))[: layout.question] for a, _ in spans]
    questions = [(ids, np.full(len(ids), row)) for row, ids in enumerate(asked)]
    return Batch(
        _padded(windows, layout),
        _padded(questions, layout),
        labels,
        np.concatenate(sizes) if sizes else np.zeros(0, dtype=np.int64),
        own,
    )


_Window = tuple[NDArray[np.int32], NDArray[np.int64]]


def _windows(
    corpus: Corpus, texts: Sequence[int], numbers: dict[int, tuple[int, int]], room: int
) -> Iterator[_Window]:
    """Yield windows of whole sentences of texts that follow each other; a longer one is cut."""
    pieces: list[_Window] = []
    for text in texts:
        tokens, first = corpus.tokens(text), numbers[text][0]
        for number, (a, b) in enumerate(pairwise(corpus.sentences(text).tolist()), first):
            piece = tokens[a : min(b, a + room)]
            if pieces and sum(len(ids) for ids, _ in pieces) + len(piece) > room:
                yield _joined(pieces)
                pieces = []
            pieces.append((piece, np.full(len(piece), number)))
    if pieces:
        yield _joined(pieces)


def _joined(pieces: Sequence[_Window]) -> _Window:
    return np.concatenate([ids for ids, _ in pieces]), np.concatenate([n for _, n in pieces])


def _labels(corpus: Corpus, item: NDArray[np.int32]) -> NDArray[np.float32]:
    """Label of each sentence ``(n,)`` of an item: the highest of its tokens."""
    edges = corpus.sentences(int(item[2]))
    if len(edges) < 2:
        return np.zeros(0, dtype=np.float32)
    targets = corpus.targets(int(item[3]), int(edges[-1]))
    highest: NDArray[np.float32] = np.maximum.reduceat(targets, edges[:-1])
    return highest


def _padded(rows: Sequence[_Window], layout: Layout) -> Rows:
    length = 2 + max((len(ids) for ids, _ in rows), default=0)
    shape = len(rows), max(length, min(-(-length // 8) * 8, layout.window))
    ids, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    sentence = np.full(shape, NO_SENTENCE, dtype=np.int64)
    for row, (tokens, numbers) in enumerate(rows):
        end = len(tokens) + 1
        ids[row, 0], ids[row, 1:end], ids[row, end] = layout.first, tokens, layout.last
        mask[row, : end + 1] = True
        sentence[row, 1:end] = numbers
    return Rows(ids, mask, sentence)
