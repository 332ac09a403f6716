"""Reader of machine text (logs, tables, code, CI output), with the lines a question needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from edgelingua_export.train.labels import Example, Mark, rows
from edgelingua_export.train.readers_qa import ANSWER, EVIDENCE, hash_text, occurrences

PIECE = 900
"""Characters of a piece; the pieces of a long text are alternatives, as passages are."""
_MOST_MARKED = 0.5
"""Share of the lines; where more are needed, a question says little about which."""


def lines(path: Path) -> Iterator[Example]:
    """Rows ``{question, lines, relevant}`` and perhaps an ``answer``: pieces of whole lines.

    Needed lines are evidence, and the answer where it stands in them an answer.
    """
    for number, row in enumerate(rows(path)):
        needed = set(row["relevant"])
        if not needed or len(needed) > _MOST_MARKED * len(row["lines"]):
            continue
        answers = row.get("answer") or []
        answers = [str(a) for a in answers] if isinstance(answers, list) else [str(answers)]
        group = f"{path.name}:{number}:{hash_text(row['question'])}"
        for first, last in pieces(row["lines"]):
            chosen = row["lines"][first:last]
            marks = _marks(chosen, {n - first for n in needed}, answers)
            yield Example("\n".join(chosen), tuple(marks), row["question"], group, "lines")


def pieces(all_lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield ranges of lines that are together at most `PIECE` characters, one at least."""
    first = size = 0
    for number, line in enumerate(all_lines):
        if number > first and size + len(line) > PIECE:
            yield first, number
            first, size = number, 0
        size += len(line) + 1
    if first < len(all_lines):
        yield first, len(all_lines)


def _marks(chosen: Sequence[str], needed: set[int], answers: Sequence[str]) -> Iterator[Mark]:
    at = 0
    answered = []
    for number, line in enumerate(chosen):
        if number in needed:
            yield Mark(at, at + len(line), EVIDENCE)
            answered += [Mark(at + a, at + b, ANSWER) for a, b in occurrences(line, answers)]
        at += len(line) + 1
    yield from answered
