"""Where the questions of a corpus come from: a column, a file, or one for all rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import repeat
from pathlib import Path

from edgelingua.corpus.rows import Columns, Row
from edgelingua.errors import InputError


def questions(question: str | Path, columns: Columns, rows: int) -> Iterable[str] | None:
    """Return a question for each row, where they have none of their own."""
    if columns.question is not None:
        if question:
            raise InputError("questions: give a column, a file or a text, no two of them")
        return None
    if isinstance(question, str):
        return repeat(question)
    try:
        with question.open(encoding="utf-8-sig", newline="\n") as file:
            lines = sum(1 for _ in file)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not valid UTF-8"
        raise InputError(f"{question}: cannot be read ({why})") from None
    if lines != rows:
        raise InputError(f"{question}: {lines:,} lines for {rows:,} rows; expected one for each")
    return _lines(question)


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        for line in file:
            yield line.strip()


def asked(rows: Iterator[Row], questions: Iterable[str] | None) -> Iterator[Row]:
    """Yield rows with the questions; without, they have their own."""
    if questions is None:
        yield from rows
    else:
        for row, question in zip(rows, questions, strict=False):
            yield replace(row, question=question)
