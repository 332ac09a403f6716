"""Documents that no model can read, beside others: whole sentences stay, and within their share.

Without a question they are worth what ordinary prose is, the first sentences most (`ordinary`).
With one, a sentence that has all its words stays where as large a share of the other documents
does, at any budget; the fewer of them it has, the more of the others stays before it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgelingua.compressors.parts import ordinary
from edgelingua.compressors.parts.lexical import bm25_scores, has_bm25
from edgelingua.prompt import Prompt, Segment
from edgelingua.scores import TokenScores
from edgelingua.selection.claims import Curve
from edgelingua.text.boundaries import words
from edgelingua.text.echoes import without_echoes, without_strewn
from edgelingua.text.ranges import Spans, as_spans
from edgelingua.text.sentences import sentence_spans

_LEAST = 1e-3
"""What a sentence without any word of the question is taken for, so that all have an order."""

_LONGEST = 200
"""Characters of a sentence that is not cut at a blank: there are languages without full stops."""


def method(question: str) -> str:
    """Return the name of the method that ranks the sentences."""
    return "bm25" if question and has_bm25() else "truncate"


def with_whole_sentences(prompt: Prompt, numbers: Sequence[int]) -> Prompt:
    """Return a prompt in which sentences of some documents are kept or dropped whole.

    But for those with a pin: half of them would be protected with it.
    """
    chosen = {id(prompt.layout.documents[at][1]) for at in numbers}
    return Prompt(tuple(_solid(s) if id(s) in chosen else s for s in prompt.segments))


def _solid(segment: Segment) -> Segment:
    pinned = as_spans([*segment.pinned, *segment.outline.pinned])
    free = [
        (a, b)
        for a, b in _sentences(segment.text).tolist()
        if not ((pinned[:, 0] < b) & (pinned[:, 1] > a)).any()
    ]
    return replace(segment, whole=(*segment.whole, *free))


def scored(
    prompt: Prompt, numbers: Sequence[int], others: Mapping[int, TokenScores]
) -> dict[int, TokenScores]:
    """Score documents by their sentences, on the scale of the scores of the ``others``."""
    curve = _curve(others.values())
    unit = next(iter(others.values())).unit if others else "rank"
    several = len(prompt.layout.documents) > 1
    found = {}
    for offset, segment in (prompt.layout.documents[at] for at in numbers):
        text = segment.text
        asked = text
        if several and prompt.question:
            asked = without_strewn(without_echoes(text, prompt.question), prompt.question)
        spans = _sentences(text)
        pace = _paces([asked[a:b] for a, b in spans.tolist()], prompt.question)
        order = np.argsort(-pace, kind="stable")
        reach = np.cumsum((spans[:, 1] - spans[:, 0])[order])
        depth = np.empty(len(order))
        depth[order] = reach / reach[-1] / pace[order]
        worth = _at(curve, depth) if prompt.question else ordinary.worth(depth)
        pieces = words(text)
        number = np.searchsorted(spans[:, 1], pieces[:, 0], "right")
        starts = np.ones(len(pieces), dtype=bool)
        found[offset] = TokenScores(pieces, worth[np.minimum(number, len(spans) - 1)], starts, unit)
    return found


def _curve(others: Collection[TokenScores]) -> Curve:
    """Lay the words of all texts end to end, the best first."""
    scores = [np.zeros(0, np.float32), *(one.scores for one in others)]
    lengths = [np.zeros(0, np.int64), *(one.spans[:, 1] - one.spans[:, 0] for one in others)]
    return Curve.of(np.concatenate(scores), np.concatenate(lengths))


def _at(curve: Curve, depth: NDArray[np.float64]) -> NDArray[np.float32]:
    """Scores of what stands behind these shares of a text; beyond 1, still in order."""
    if not len(curve.worth):
        return (-depth).astype(np.float32)
    worth = curve.at(np.minimum(depth, 1)) - np.maximum(depth - 1, 0)
    return worth.astype(np.float32)


def _paces(sentences: Sequence[str], question: str) -> NDArray[np.float64]:
    """Return the square of the share of a question's words in each sentence: ``(n,)``.

    Rare ones weigh more; a single one in common says little. Without a question, 1.
    """
    if not question:
        return np.ones(len(sentences))
    if not has_bm25():
        return np.full(len(sentences), _LEAST)
    *scores, least, most = bm25_scores([*sentences, "", question], question, "plus").tolist()
    shares = (np.asarray(scores) - least) / max(most - least, 1e-9)
    paces: NDArray[np.float64] = np.clip(shares**2, _LEAST, 1)
    return paces


def _sentences(text: str) -> Spans:
    """Sentences ``(n, 2)``, the long ones cut at blanks."""
    found = []
    for start, end in sentence_spans(text).tolist():
        at = start
        while end - at > _LONGEST:
            cut = text.rfind(" ", at + 1, at + _LONGEST)
            if cut < 0:
                cut = text.find(" ", at + _LONGEST, end)
            if cut < 0:
                break
            found.append((at, cut))
            at = cut + 1
        found.append((at, end))
    return as_spans(found)
