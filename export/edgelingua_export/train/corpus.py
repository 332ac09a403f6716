"""Tokenized examples in flat arrays: small, quick to load, the same on every machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgelingua.files.atomic import PUBLIC, write_atomically
from edgelingua.text.sentences import sentence_spans, sentence_tokens
from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export.errors import ExportError
from edgelingua_export.train.labels import Example

_STEPS = 250
"""A label is stored as a whole number of so many steps."""

NONE, UNKNOWN = -1, -2
"""In place of the number of an item's labels: nothing is to be kept; nobody labelled it."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """Groups of texts with labels.

    Parameters
    ----------
    ids, ids_edges
        Token ids of all texts and questions, one after another, and where each begins.
    begins
        bool, of ``ids``: the token is the first of a sentence.
    labels, labels_edges
        Labels of texts that have any, in steps, and where each begins.
    items
        int32 ``(n, 5)``: group, question (-1: none), text, labels (-1: nothing is to be kept, -2:
        not known), source. Sorted by group.
    sources
        Names of the sources.
    """

    ids: NDArray[np.int32]
    ids_edges: NDArray[np.int64]
    begins: NDArray[np.bool_]
    labels: NDArray[np.uint8]
    labels_edges: NDArray[np.int64]
    items: NDArray[np.int32]
    sources: NDArray[np.str_]

    def tokens(self, number: int) -> NDArray[np.int32]:
        """Ids of a text or question ``(T,)``; none for -1."""
        if number < 0:
            return self.ids[:0]
        return self.ids[self.ids_edges[number] : self.ids_edges[number + 1]]

    def sentences(self, number: int) -> NDArray[np.int64]:
        """Where the sentences of a text begin in its tokens, and the end: ``(n + 1,)``."""
        part = self.begins[self.ids_edges[number] : self.ids_edges[number + 1]]
        return np.append(np.flatnonzero(part), len(part))

    def targets(self, number: int, length: int) -> NDArray[np.float32]:
        """Labels ``(length,)`` of an item's tokens, from 0 to 1; -2 where nobody knows them."""
        if number < 0:
            return np.full(length, UNKNOWN if number == UNKNOWN else 0, dtype=np.float32)
        steps = self.labels[self.labels_edges[number] : self.labels_edges[number + 1]]
        return (steps / _STEPS).astype(np.float32)

    def groups(self) -> NDArray[np.int64]:
        """Where in ``items`` the groups begin, and the end: ``(groups + 1,)``."""
        begins = np.flatnonzero(np.diff(self.items[:, 0], prepend=-1))
        return np.append(begins, len(self.items))

    def save(self, path: Path) -> None:
        """Write one compressed file."""
        with write_atomically(path, PUBLIC) as file:
            np.savez_compressed(file, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Corpus:
        """Read what `save` wrote.

        Raises
        ------
        ExportError
            The file is something else.
        """
        try:
            with np.load(path) as arrays:
                return cls(**{field.name: arrays[field.name] for field in fields(cls)})
        except Exception as error:  # what zipfile and numpy make of other bytes
            raise ExportError(f"{path}: not a prepared corpus ({error}); delete it") from error


def tokenize(examples: Iterable[Example], tokenizer: TextTokenizer) -> Corpus:
    """Tokenize examples, each text and question once; the groups keep the order of their firsts.

    Raises
    ------
    ExportError
        There are no examples.
    """
    seen: dict[str, int] = {}
    spans: list[NDArray[np.int64]] = []
    pieces: list[NDArray[np.int32]] = []
    begins: list[NDArray[np.bool_]] = []
    labels: list[NDArray[np.uint8]] = []
    groups: dict[str, int] = {}
    sources: dict[str, int] = {}
    items: list[tuple[int, int, int, int, int]] = []

    def number(text: str) -> int:
        if text not in seen:
            seen[text] = len(pieces)
            encoding = tokenizer.encode(text)
            pieces.append(encoding.ids.astype(np.int32))
            spans.append(encoding.spans)
            first = sentence_tokens(sentence_spans(text), encoding.spans)[:-1]
            begins.append(np.isin(np.arange(len(encoding.ids)), first))
        return seen[text]

    for example in examples:
        text = number(example.text)
        question = number(example.question) if example.question else -1
        target = NONE if example.known else UNKNOWN
        if example.marks:
            target = len(labels)
            labels.append(np.rint(example.labels(spans[text]) * _STEPS).astype(np.uint8))
        group = groups.setdefault(example.group or f"alone:{len(groups)}", len(groups))
        items.append(
            (group, question, text, target, sources.setdefault(example.source, len(sources)))
        )
    if not items:
        raise ExportError("no examples: the recipe's files hold none")
    table = np.asarray(items, dtype=np.int32)
    return Corpus(
        np.concatenate(pieces),
        _edges(pieces),
        np.concatenate(begins),
        np.concatenate([np.zeros(0, dtype=np.uint8), *labels]),
        _edges(labels),
        table[np.argsort(table[:, 0], kind="stable")],
        np.asarray(list(sources)),
    )


def _edges(parts: list[NDArray[np.int32]] | list[NDArray[np.uint8]]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum([len(part) for part in parts], dtype=np.int64)])
