"""Which documents get anything at all, before words of those are chosen.

What is kept of documents that have nothing to say distracts a small reader: it answers more from
the right passage alone than from the same passage among the best words of ten.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgelingua.compressors.parts.hops import PROMISING
from edgelingua.prompt import Prompt
from edgelingua.selection.units import Units

_LEAST, _LEAST_OF_SEVERAL = 0.1, 0.02
"""Best score of a document that has something to say, of the best of all: where one document alone
may answer the question, and where several may, as one step leads to the next."""

_FEW = 2
"""Documents that all stay: nobody has searched for those, and one is not to silence the other."""


def without_silent(prompt: Prompt, units: Units, forced: Collection[int]) -> Units:
    """Refuse all units of the documents that have nothing to say for the question.

    Where none seems to answer it, all may; of two, both stay, and so do both sides of a comparison.

    Parameters
    ----------
    forced
        Numbers of the documents that stay in any case. So do those with a rate or floor, and
        instructions, which say nothing about what the others are worth.
    """
    parts = {
        number: units.part(offset, segment.text)
        for number, (offset, segment) in enumerate(prompt.layout.documents)
        if segment.role != "instruction"
    }
    best = {number: units.scores[part].max(initial=-np.inf) for number, part in parts.items()}
    highest = max(best.values(), default=-np.inf)
    if len(best) <= _FEW or highest < PROMISING:
        return units
    several = sum(score >= PROMISING for score in best.values()) > 1
    least = highest * (_LEAST_OF_SEVERAL if several else _LEAST)
    silent = [at for at, part in parts.items() if best[at] < least and not units.first[part].any()]
    return _without(prompt, units, silent, forced)


def without_worst(prompt: Prompt, units: Units, rate: float, forced: Collection[int]) -> Units:
    """Refuse all units of the documents that score worst on average, but for the fraction ``rate``.

    The context filter of LLMLingua-2, arXiv:2403.12968. ``forced``: see `without_silent`.
    """
    means = [
        _mean(units.scores[units.part(offset, segment.text)])
        for offset, segment in prompt.layout.documents
    ]
    stay = math.ceil(rate * len(means))
    worst = np.argsort(-np.asarray(means), kind="stable").tolist()[stay:]
    return _without(prompt, units, worst, forced)


def _without(
    prompt: Prompt, units: Units, numbers: Sequence[int], forced: Collection[int]
) -> Units:
    refused = units.refused.copy()
    for number in numbers:
        offset, segment = prompt.layout.documents[number]
        served = segment.rate is not None or segment.floor is not None
        if not served and segment.role != "instruction" and number not in forced:
            refused[units.part(offset, segment.text)] = True
    return replace(units, refused=refused)


def _mean(scores: NDArray[np.float32]) -> float:
    real = scores[np.isfinite(scores)]
    return float(real.mean()) if len(real) else -math.inf
