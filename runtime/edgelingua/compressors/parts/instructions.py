"""Instructions beside a question: it says nothing about what a rule is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgelingua.compressors.parts.ordinary import beside_prose
from edgelingua.prompt import Prompt
from edgelingua.scores import TokenScores
from edgelingua.selection.settled import Unasked
from edgelingua.selection.units import Rules, Units, units_of


def numbers_of(prompt: Prompt) -> list[int]:
    """Return which documents are instructions: rules for the reader, which are compressed."""
    documents = prompt.layout.documents
    return [at for at, (_, segment) in enumerate(documents) if segment.role == "instruction"]


def units_within(prompt: Prompt, units: Units) -> NDArray[np.bool_]:
    """Return which units are of instructions: ``(U,)``."""
    found = np.zeros(len(units.scores), dtype=bool)
    for number in numbers_of(prompt):
        offset, segment = prompt.layout.documents[number]
        found[units.part(offset, segment.text)] = True
    return found


def unasked(
    prompt: Prompt,
    scores: Mapping[int, TokenScores],
    rules: Rules,
    *,
    threshold: float | None,
    rate: float,
) -> Iterator[tuple[int, Unasked]]:
    """Give the instructions of a prompt, by their offset, as if no question was asked.

    Beside documents with a question each keeps what it would keep beside ordinary prose without
    one: where the documents are hardly worth anything for the question, and its rules are not at
    all, their scores say nothing about each other.

    Parameters
    ----------
    scores
        Of the instructions without the question, by their numbers among the documents.
    rules, threshold
        See `TokenPruner`.
    rate
        Of the whole: an instruction keeps so much at least.
    """
    everything = sum(len(segment.text) for _, segment in prompt.layout.documents)
    for number, own in scores.items():
        offset, segment = prompt.layout.documents[number]
        alone = Prompt((replace(segment, rate=None, floor=None),))
        units = units_of(alone, {0: own}, rules).above(threshold)
        floor = rate
        if own.unit == "P(keep)":
            floor = max(rate, beside_prose(own, rate, len(segment.text) / everything))
        yield offset, Unasked(units, floor)
