"""Tables inside text: Markdown, and lines of separated values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgelingua.text.ranges import Range, lines
from edgelingua.text.structure.rows import Row

_CELL = r"[ \t]*+:?-++:?[ \t]*+"
_DELIMITER = re.compile(rf"[ \t]*+\|?{_CELL}(?:\|{_CELL})*\|?[ \t]*+")
_QUOTED = re.compile(r'"[^"]*"')
# A separator that a blank follows is a sentence's; brackets and "=" are those of code. What a test
# runner prints has tabs, and no header.
_PROSE = {
    "\t": re.compile(r"\A(?:ok|FAIL|PASS|---|\?)\s"),
    "|": re.compile(r"\|\||[{};]\s*$"),
    ";": re.compile(r"; |[(){}<>=]"),
    ",": re.compile(r", |[(){}<>=]"),
}
_RULE = re.compile(r"[ \t]*[-=+|:][-=+|: \t]*")
"""The line below a header, and around a table, that has nothing else."""
_LEAST_LINES = 3
_LEAST_SEPARATORS = 2


def find_tables(text: str, start: int, end: int) -> Iterator[Range]:
    """Yield the tables between ``start`` and ``end``.

    Markdown tables with a delimiter row; at least three lines in a row with the same number, two at
    least, of tabs, bars, semicolons or commas, quoted ones left out. Only of whole lines.
    """
    if start and text[start - 1] != "\n":
        start = text.find("\n", start, end) + 1 or end
    if end < len(text) and text[end - 1] != "\n":
        end = text.rfind("\n", start, end) + 1
    rows = lines(text, start, end)
    at = 0
    while at < len(rows):
        stop = _markdown(text, rows, at) or _separated(text, rows, at)
        if stop:
            yield rows[at][0], rows[stop - 1][1]
        at = stop or at + 1


def rows_of(text: str, start: int, end: int) -> list[Row]:
    """Return the rows of a table; the header, with its delimiter row, heads the others."""
    rows = _records(text, lines(text, start, end))
    head = 2 if len(rows) > 1 and _RULE.fullmatch(text, *rows[1]) else 1
    body = [Row(a, b, level=1, whole=True) for a, b in rows[head:]]
    return [Row(rows[0][0], rows[:head][-1][1], heads=True, whole=True), *body]


def _records(text: str, rows: list[Range]) -> list[Range]:
    """Unite the lines of a record that has line breaks between quotation marks."""
    if text.count('"', rows[0][0], rows[-1][1]) % 2:
        return rows  # inches, not quotation marks
    records: list[Range] = []
    is_open = False
    for start, end in rows:
        records.append((records.pop()[0], end) if is_open else (start, end))
        is_open ^= text.count('"', start, end) % 2 == 1
    return records


def _markdown(text: str, rows: list[Range], at: int) -> int:
    """Return the index behind a Markdown table whose header is row ``at``; 0 if there is none."""
    if at + 1 >= len(rows) or "|" not in text[slice(*rows[at])]:
        return 0
    if not _is_delimiter(text[slice(*rows[at + 1])]):
        return 0
    stop = at + 2
    while stop < len(rows) and "|" in text[slice(*rows[stop])]:
        stop += 1
    return stop


def _is_delimiter(line: str) -> bool:
    return "|" in line and "-" in line and _DELIMITER.fullmatch(line) is not None


def _separated(text: str, rows: list[Range], at: int) -> int:
    for separator in _PROSE:
        wanted = _separators(text[slice(*rows[at])], separator)
        if wanted < _LEAST_SEPARATORS:
            continue
        stop = at + 1
        while stop < len(rows) and (
            _separators(text[slice(*rows[stop])], separator) == wanted
            or (separator == "|" and _RULE.fullmatch(text, *rows[stop]))
        ):
            stop += 1
        if stop - at >= _LEAST_LINES:
            return stop
    return 0


def _separators(line: str, separator: str) -> int:
    """How many separators a line has; 0 where it reads like a sentence or code."""
    if separator not in line:
        return 0
    if '"' in line:
        line = _QUOTED.sub('""', line)
    return 0 if _PROSE[separator].search(line) else line.count(separator)
