"""Both sides of a comparison stay: each name, and the best word about it, before any second one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgelingua.prompt import Prompt
from edgelingua.selection.units import Units
from edgelingua.text.compared import compared
from edgelingua.text.ranges import as_spans


def with_sides(prompt: Prompt, units: Units) -> Units:
    """Choose the names that the question compares before all else, each with its best word.

    A scorer that looks for when two films came out may keep the years and drop the titles. A name
    is chosen at the beginning of a document that begins with it, else where it scores best; of
    several documents, its own gives its best unit too.
    """
    documents = prompt.layout.documents
    parts = as_spans([(at, at + len(segment.text)) for at, segment in documents])
    names = compared(prompt.question, prompt.text, parts)
    if not names:
        return units
    begins = {at + len(segment.text) - len(segment.text.lstrip()) for at, segment in documents}
    first = units.first.copy()
    for places in names:
        found = [_units_of(units, start, end) for start, end in places.tolist()]
        begun = [start in begins for start in places[:, 0].tolist()]
        means = [float(units.scores[part].mean()) for part in found]
        best = max(range(len(found)), key=lambda at: (begun[at], means[at]))
        first[found[best]] = True
        if len(documents) > 1:
            at = int(np.searchsorted(parts[:, 0], places[best, 0], "right")) - 1
            own = _units_of(units, *parts[at].tolist())
            others = np.where(first[own] | units.protected[own], -np.inf, units.scores[own])
            first[own.start + int(others.argmax())] = True
    return replace(units, first=first & ~units.frames)


def _units_of(units: Units, start: int, end: int) -> slice:
    """Units that hold any of a range of characters."""
    return slice(
        int(np.searchsorted(units.edges, start, "right")) - 1,
        int(np.searchsorted(units.edges, end, "left")),
    )
