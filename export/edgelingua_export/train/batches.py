"""From groups of texts to the windows that the model sees in one step."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgelingua_export.train.corpus import Corpus


@dataclass(frozen=True)
class Layout:
    """How texts become windows.

    Parameters
    ----------
    window
        Most tokens of a window, special tokens included.
    question
        Most tokens of a question.
    passages
        Most texts of a group in one step; those with labels first.
    stream
        Share of the groups whose texts are joined and cut anywhere, as windows cut a long text.
    first, last
        Ids of the tokens around the parts ([CLS] and [SEP] of BERT).
    """

    first: int
    last: int
    window: int = 256
    question: int = 64
    passages: int = 10
    stream: float = 0.3


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows of several groups.

    ``ids`` and ``types`` int64 ``(n, T)``; ``mask`` bool ``(n, T)``, true on tokens; ``targets``
    float32 ``(n, T)``, -1 on what is not text, -2 on text without labels; ``groups`` int64
    ``(n,)``, from 0.
    """

    ids: NDArray[np.int64]
    types: NDArray[np.int64]
    mask: NDArray[np.bool_]
    targets: NDArray[np.float32]
    groups: NDArray[np.int64]


NO_TEXT = -1
"""Target of what is not text."""

_Window = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]


def assemble(
    corpus: Corpus, spans: list[tuple[int, int]], layout: Layout, rng: np.random.Generator
) -> Batch:
    """Make the windows of some groups, given as ranges of ``corpus.items``."""
    windows: list[_Window] = []
    groups: list[int] = []
    for number, (begin, end) in enumerate(spans):
        found = _windows(corpus, corpus.items[begin:end], layout, rng)
        windows += found
        groups += [number] * len(found)
    length = max(len(q) + len(t) + (3 if len(q) else 2) for q, t, _ in windows)
    length = min(-(-length // 8) * 8, layout.window)
    shape = (len(windows), length)
    ids, types = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    mask, targets = np.zeros(shape, bool), np.full(shape, NO_TEXT, np.float32)
    for row, (question, text, labels) in enumerate(windows):
        ids[row, 0] = layout.first
        at = 1
        if len(question):
            at = len(question) + 2
            ids[row, 1 : at - 1] = question
            ids[row, at - 1] = layout.last
        stop = at + len(text)
        ids[row, at:stop] = text
        ids[row, stop] = layout.last
        types[row, at : stop + 1] = int(len(question) > 0)
        mask[row, : stop + 1] = True
        targets[row, at:stop] = labels
    return Batch(ids, types, mask, targets, np.asarray(groups))


def _windows(
    corpus: Corpus, items: NDArray[np.int32], layout: Layout, rng: np.random.Generator
) -> list[_Window]:
    items = choose(items, layout.passages, rng)
    question = corpus.tokens(int(items[0, 1]))[: layout.question]
    room = layout.window - len(question) - (3 if len(question) else 2)
    texts = [corpus.tokens(int(text)) for text in items[:, 2]]
    targets = [
        corpus.targets(int(labels), len(text))
        for labels, text in zip(items[:, 3], texts, strict=True)
    ]
    if rng.random() < layout.stream:
        texts, targets = [np.concatenate(texts)], [np.concatenate(targets)]
    windows: list[_Window] = []
    for text, labels in zip(texts, targets, strict=True):
        shift = int(rng.integers(room)) if len(text) > room else 0
        cuts = [0, *range(shift or room, len(text), room), len(text)]
        windows += [(question, text[a:b], labels[a:b]) for a, b in pairwise(cuts) if b > a]
    return windows


def choose(items: NDArray[np.int32], most: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Choose at most ``most`` items in random order, those with labels before the others."""
    order = rng.permutation(len(items))
    order = order[np.argsort(items[order, 3] < 0, kind="stable")][:most]
    chosen: NDArray[np.int32] = items[rng.permutation(order)]
    return chosen
