"""Records of machine text among the units: lines, rows and elements, and what frames them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelingua.prompt import Prompt
from edgelingua.selection.worth import worth
from edgelingua.text.boundaries import before_blanks, blanks, graphemes
from edgelingua.text.echoes import without_echoes
from edgelingua.text.ranges import Spans

_FAVOUR = 7.0
_BEST = 3
"""Words of a record whose mean the model's opinion of it is."""


def outline_edges(prompt: Prompt) -> NDArray[np.int64]:
    """Where records, frames and noise begin and end: cut there, whatever else is whole."""
    layout = prompt.layout
    edges = np.unique(
        np.concatenate([layout.records.ravel(), layout.frames[:, :2].ravel(), layout.noise.ravel()])
    )
    if not len(edges):
        return edges
    edges = edges[np.isin(edges, graphemes(prompt.text))]
    return _before_blanks_in_line(prompt.text, edges)


def _before_blanks_in_line(text: str, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Move cuts inside a line before blanks: a blank goes with what follows it."""
    known = set(edges.tolist())
    moved = []
    for edge in edges.tolist():
        start = before_blanks(text, edge)
        free = 0 < start < edge < len(text) and text[start - 1] != "\n" and start not in known
        moved.append(start if free and text[edge] != "\x1b" else edge)  # codes take no blank along
    return np.unique(np.asarray(moved, dtype=np.int64))


def dealt(
    prompt: Prompt, edges: NDArray[np.int64], scores: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Deal the scores of all words in records out anew: the best to the record that matters most.

    So machine text as a whole keeps what the model gave it beside prose, and inside it `worth`
    decides, which knows what a line is; the order of the words of a record stays.

    Parameters
    ----------
    edges, scores
        Of words: ``(W + 1,)``, ``(W,)``.
    """
    records = prompt.layout.records
    if not len(records):
        return scores
    solid = np.flatnonzero(~np.append(blanks(prompt.text), False))
    starts = solid[np.searchsorted(solid, edges[:-1])]
    number = np.searchsorted(records[:, 0], starts, "right") - 1
    inside = (number >= 0) & (edges[1:] <= records[number, 1]) & np.isfinite(scores)
    places = np.flatnonzero(inside)
    if not len(places):
        return scores
    number = number[places]
    own = scores[places]
    order = np.lexsort((-own, number))
    rank = np.arange(len(order)) - np.searchsorted(number[order], number[order])
    best = order[rank < _BEST]
    many = np.bincount(number[best], minlength=len(records))
    base = np.bincount(number[best], own[best], len(records)) / np.maximum(many, 1)
    text = _without_echoes(prompt)
    texts = [text[a:b] for a, b in records.tolist()]
    favoured = _FAVOUR * np.isin(records[:, 0], prompt.layout.favoured[:, 0])
    above = headings(prompt, text) if prompt.question else []
    value = worth(texts, records, prompt.question, base, favoured, above)
    scores = scores.copy()
    scores[places[np.lexsort((-own, number, -value[number]))]] = -np.sort(-own)
    return scores


def headings(prompt: Prompt, text: str) -> list[str]:
    """Return what stands above each record and stays with it: headings, keys, headers."""
    frames = prompt.layout.frames
    frames = frames[frames[:, 1] < frames[:, 3]]  # not behind what they frame
    order = np.argsort(frames[:, 0], kind="stable")
    coming = [row for row in frames[order, :4].tolist() if text[row[0] : row[1]].strip()]
    found, number = list[str](), 0
    open_ones: list[tuple[int, str]] = []
    for start, _ in prompt.layout.records.tolist():
        while number < len(coming) and coming[number][1] <= start:
            a, b, _, end = coming[number]
            open_ones = [one for one in open_ones if one[0] > a]
            higher = open_ones[-1][1] if open_ones else ""
            open_ones.append((end, f"{higher}\n{text[a:b]}"))
            number += 1
        while open_ones and open_ones[-1][0] <= start:
            open_ones.pop()
        found.append(open_ones[-1][1] if open_ones else "")
    return found


def _without_echoes(prompt: Prompt) -> str:
    """The text, of which no document of several speaks for itself with the question's words."""
    if not prompt.question or len(prompt.layout.documents) < 2:
        return prompt.text
    pieces, at = [], 0
    for offset, segment in prompt.layout.documents:
        if segment.outline.records:
            pieces += [prompt.text[at:offset], without_echoes(segment.text, prompt.question)]
            at = offset + len(segment.text)
    return "".join([*pieces, prompt.text[at:]])


def record_units(prompt: Prompt, edges: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a unit is a record that is decided whole: ``(U,)``."""
    records, whole = prompt.layout.records, prompt.layout.whole
    found = np.zeros(len(edges) - 1, dtype=bool)
    if len(records):
        found[_units(edges, records[np.isin(records[:, 0], whole[:, 0])])[:, 0]] = True
    return found


def without_noise(
    prompt: Prompt, edges: NDArray[np.int64], scores: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Put noise below everything else."""
    if not len(prompt.layout.noise):
        return scores
    scores = scores.copy()
    for first, end in _units(edges, prompt.layout.noise).tolist():
        scores[first:end] = -np.inf
    return scores


def framing(
    prompt: Prompt, edges: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return frames as followers, ``(n, 5)``, and which units are frames only, ``(U,)``."""
    frames, records = prompt.layout.frames, prompt.layout.records
    refused = np.zeros(len(edges) - 1, dtype=bool)
    unit = _units(edges, frames[:, :2])[:, 0]
    refused[unit[~np.isin(frames[:, 0], records[:, 0])]] = True
    followers = np.column_stack(
        [unit, _units(edges, frames[:, 2:4]), _units(edges, frames[:, 4:6])]
    ).astype(np.int64)
    return followers, refused


def _units(edges: NDArray[np.int64], spans: Spans) -> NDArray[np.int64]:
    """Units that ranges touch, half-open: ``(n, 2)``."""
    first = np.searchsorted(edges, spans[:, 0], "right") - 1
    return np.stack([first, np.searchsorted(edges, spans[:, 1], "left")], axis=1)
