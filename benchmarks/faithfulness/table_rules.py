"""Rules for tables: rows are whole, below their header."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from benchmarks.faithfulness.outputs import Finding, Output, aligned


def rows(cells: Callable[[str], list[str] | None]) -> Callable[[Output], Iterator[Finding]]:
    """Make a rule: rows of a table are whole, below their header, which is not alone.

    Parameters
    ----------
    cells
        Splits a line into cells; None: it is no row.
    """

    def rule(output: Output) -> Iterator[Finding]:
        source = [row for line in output.case.text.splitlines() if (row := cells(line))]
        header, body = source[0], 0
        left = [row for line in output.text.splitlines() if (row := cells(line))]
        for row in left:
            if row == header or not any(re.search(r"\w", cell) for cell in row):
                continue  # the header, or a ruler
            body += 1
            if row not in source:
                fits = any(aligned(row, each) is not None for each in source)
                yield Finding("cells" if fits else "joined", " | ".join(row))
        if body and header not in left:
            yield Finding("header", "rows without a header")
        if left and not body:
            yield Finding("header", "a header without rows")

    return rule


def commas(line: str) -> list[str] | None:
    """Cells between commas, semicolons or tabs."""
    return re.split(r"[,;\t]", line.strip()) if line.strip() else None


def pipes(line: str) -> list[str] | None:
    """Cells of a Markdown row."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")] if "|" in line else None


def blanks(line: str) -> list[str] | None:
    """Cells between blanks."""
    return line.split() or None


def tuples(output: Output) -> Iterator[Finding]:
    """A row of an SQL dump is whole."""
    whole = {line.rstrip(",;") for line in output.case.text.splitlines()}
    for line in output.text.splitlines():
        if re.search(r"'[^']*',|^\(\d", line) and line.rstrip(",; ") not in whole:
            yield Finding("cells", line)
