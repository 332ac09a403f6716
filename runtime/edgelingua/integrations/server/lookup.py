"""Passages of long texts that share telling words with a question: found fast, kept as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from edgelingua.budget import Count
from edgelingua.compressors.parts.rankers import Bm25Ranker
from edgelingua.text.boundaries import sentences

_LINE = re.compile(r"[^\n]*\S[^\n]*")
_LONGEST = 400
"""Characters of a passage."""


def lookup(
    texts: Sequence[str],
    question: str,
    tokens: int,
    *,
    count: Count,
    pins: Sequence[str] = (),
    seen: str = "",
    fill: bool = False,
) -> list[str]:
    """Return of each text the passages that a question is about, within ``tokens`` for all.

    Passages are sentences and lines, ranked by BM25 for the question; no model reads them, so that
    what it takes hardly grows with the texts.

    Parameters
    ----------
    texts, question
        Where to look, and for what.
    tokens, count
        The budget, and how it is counted.
    pins
        Passages with one of them stay, whatever they take.
    seen
        What stands there already is not found again.
    fill
        Take others too if there is room, the last ones first.
    """
    passages = [(at, start, end) for at, text in enumerate(texts) for start, end in _passages(text)]
    written = [texts[at][start:end] for at, start, end in passages]
    if not written:
        return [""] * len(texts)
    scores = Bm25Ranker().rank(written, question)
    about = scores > scores.min() if len(scores) > 1 else scores > 0
    # The likeliest first; among those that have nothing to do with the question, the last ones.
    order = np.lexsort((-np.arange(len(scores)), -scores))
    kept: list[tuple[int, int, int]] = []
    left = tokens
    for index in order.tolist():
        pinned = any(pin in written[index] for pin in pins)
        if not pinned and not (about[index] or fill or left < 1):
            continue
        if not pinned and (left < 1 or written[index] in seen):
            continue
        taken = count(written[index]) + 1
        if pinned or taken <= left:
            left -= taken
            kept.append(passages[index])
    found = [""] * len(texts)
    for at, start, end in sorted(kept):
        found[at] += ("\n" if found[at] else "") + texts[at][start:end]
    return found


def _passages(text: str) -> Iterator[tuple[int, int]]:
    for line in _LINE.finditer(text):
        for first, last in sentences(line[0]).tolist():
            start = line.start() + first
            end = start + len(line[0][first:last].rstrip())
            while end - start > _LONGEST:
                blank = text.rfind(" ", start + 1, start + _LONGEST)
                cut = blank + 1 if blank > start else start + _LONGEST
                yield start, cut
                start = cut
            yield start, end
