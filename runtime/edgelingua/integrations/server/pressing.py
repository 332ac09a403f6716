"""Texts of which some may be cut, compressed together so that they share one budget."""

from __future__ import annotations

from collections.abc import Sequence

from edgelingua.budget import Budget, Count
from edgelingua.compressors import Compressor
from edgelingua.prompt import SEPARATOR, Prompt, Segment, without_question
from edgelingua.scores import Progress
from edgelingua.text.ranges import occurrences

_ENDING = 200
"""Characters that stand for a question."""


def press(
    compressor: Compressor,
    texts: Sequence[str],
    question: str,
    tokens: int,
    *,
    count: Count,
    pins: Sequence[str] = (),
    progress: Progress | None = None,
) -> list[str]:
    """Return what is left of each text within ``tokens`` for all.

    They are read as one document, so that hundreds of short ones take no longer than a long one.
    JSON, tables and code stay what they are, where that takes no more than half of the budget.

    Parameters
    ----------
    compressor, question
        Decides what stays, in the light of the question; of the end of the texts, if it is blank.
    texts
        Blank ones come out empty.
    tokens, count
        The budget and how it is counted; the question is not.
    pins
        What survives wherever it occurs.
    progress
        Called while the texts are scored; what it raises ends the work.

    Raises
    ------
    BudgetError
        What is pinned exceeds the budget.
    """
    if tokens < 1 and not pins:
        return [""] * len(texts)
    spans, at = [], 0
    for text in texts:
        spans.append((at, at + len(text)))
        at += len(text) + len(SEPARATOR)
    joined = SEPARATOR.join(texts)
    if not joined.strip():
        return [""] * len(texts)
    question = question.strip() or joined.rstrip()[-_ENDING:].strip()
    pinned = tuple(found for pin in pins for found in occurrences(joined, pin))
    budget = Budget(max(1, tokens), count=without_question(count, question))
    segment = Segment(joined, pinned=pinned)
    done = compressor.compress(Prompt.build(segment, question=question), budget, progress)
    left = [done.between(start, end) for start, end in spans]
    return [text if any(pin in text for pin in pins) else text.strip() for text in left]
