"""The one label format: texts, questions, and how much each stretch of characters is to be kept."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from edgelingua_export.errors import ExportError


@dataclass(frozen=True)
class Mark:
    """Characters ``start … end`` of a text are to be kept with probability ``label``."""

    start: int
    end: int
    label: float


@dataclass(frozen=True)
class Example:
    """A text and what of it is to be kept; where no mark is, nothing.

    Parameters
    ----------
    text
        What is compressed.
    marks
        In order: where two overlap, the later one holds.
    question
        What the reader will ask; empty: the text stands alone.
    group
        Texts of one group are alternatives for the same question, and their words compete.
        Empty: a group of its own.
    source
        Name of the data set.
    known
        False: nobody labelled the text, and only a teacher says what is to be kept.
    answer
        What answers the question, where the set says so: marks may be of answers on the way to it.
    near
        What texts near the question are looked for with, where that is not the question itself: it
        is in another language than they are.
    name
        Of the question in its set, the same in all languages it is asked in.
    """

    text: str
    marks: tuple[Mark, ...] = ()
    question: str = ""
    group: str = ""
    source: str = ""
    known: bool = True
    answer: str = ""
    near: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        for mark in self.marks:
            if not (0 <= mark.start <= mark.end <= len(self.text) and 0 <= mark.label <= 1):
                raise ExportError(
                    f"{mark} of a text of {len(self.text)} characters: expected "
                    "0 <= start <= end <= length and a label from 0 to 1"
                )

    def left_out(self, share: float) -> bool:
        """Whether the question is among the ``share``, by its name, that nothing is trained on."""
        return held_back(self.name, share)

    def labels(self, spans: NDArray[np.int64]) -> NDArray[np.float32]:
        """Label of each token ``(T, 2)``: that of most of its characters, ``(T,)``."""
        of_characters = np.zeros(len(self.text) + 1)
        for mark in self.marks:
            of_characters[mark.start : mark.end] = mark.label
        total = np.concatenate([[0], np.cumsum(of_characters)])
        sizes = np.maximum(spans[:, 1] - spans[:, 0], 1)
        means = (total[spans[:, 1]] - total[spans[:, 0]]) / sizes
        labels: NDArray[np.float32] = means.astype(np.float32)
        return labels


def held_back(name: str, share: float) -> bool:
    """Whether a question of this name is among the ``share`` of a set that is not trained on."""
    return zlib.crc32(name.encode()) < share * 2**32


def groups(examples: Iterable[Example]) -> Iterator[list[Example]]:
    """Yield the examples of each group, which follow each other; one without a group by itself."""
    for _, found in groupby(enumerate(examples), key=lambda each: each[1].group or each[0]):
        yield [example for _, example in found]


def read(path: Path) -> Iterator[Example]:
    """Read a label file: JSON lines as `write` makes them.

    Raises
    ------
    ExportError
        A line is not such an object, with its number.
    """
    for number, row in enumerate(rows(path), start=1):
        try:
            marks = tuple(Mark(int(a), int(b), float(p)) for a, b, p in row.get("marks", ()))
            question, group, source = (str(row.get(n, "")) for n in ("question", "group", "source"))
            yield Example(str(row["text"]), marks, question, group, source)
        except (KeyError, TypeError, ValueError, ExportError) as error:
            raise ExportError(
                f'{path}, line {number}: expected {{"text": …, "marks": [[start, end, label], …], '
                f'"question": …, "group": …}}; {type(error).__name__}: {error}'
            ) from error


def write(examples: Iterable[Example], file: TextIO) -> None:
    """Write a label file: one JSON object a line."""
    for example in examples:
        marks = [[mark.start, mark.end, round(mark.label, 4)] for mark in example.marks]
        row = {
            "question": example.question,
            "text": example.text,
            "marks": marks,
            "group": example.group,
            "source": example.source,
        }
        print(json.dumps(row, ensure_ascii=False), file=file)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Read the objects of a JSON lines file, gzipped or not.

    Raises
    ------
    ExportError
        The file is missing, or a line is not a JSON object.
    """
    with open_text(path) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise ExportError(f"{path}, line {number}: not JSON ({error})") from error
            if not isinstance(row, dict):
                raise ExportError(f"{path}, line {number}: expected a JSON object")
            yield row


def open_text(path: Path) -> TextIO:
    """Open a text file, gzipped or not.

    Raises
    ------
    ExportError
        There is no such file.
    """
    if not path.is_file():
        raise ExportError(f"{path}: no such file; give the folder that holds it as --data")
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")
