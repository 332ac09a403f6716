"""What stands under what: rows of each kind of text made of lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from edgelingua.text.ranges import Range, lines
from edgelingua.text.structure.rows import Row
from edgelingua.text.structure.signs import LOG, SECTION, TIME, LineKind

_HEAD = re.compile(
    rf"\s*(?:{TIME}|[\[(<|]?\b[A-Z]{{3,8}}\b[\])>|:]?|[\w.@/\\\-]+[:\-]\d+[:\-]|\[[^\]\n]{{1,40}}\])"
    r"(?:\s*(?:[\[(<|]?\b(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRITICAL)\b[\])>|:]?|"
    r"\[[^\]\n]{1,40}\]|[^\s:]{1,30}:(?=\s)))*"
)
"""Path and line, time, level, name: what a line that is too long keeps with any word of it."""

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_GUTTER = re.compile(r"\s*\d*\s*\|(?:\s|$)|\s*(?:-->|= (?:note|help))")
_PLACE = re.compile(r"\s*--> \S+:\d")
_PLACED = re.compile(r"\s*File \".*\", line \d+")
"""Where something is: one with the line before; one with the line behind."""
_RULE = re.compile(r"[\s\-=+|:_]+$")
_COLUMN_GAP = re.compile(r"\S(?: {2,}|\t+)(?=\S)")


def rows_of_lines(text: str, kind: LineKind, start: int, end: int) -> list[Row]:
    """Return the rows of a run of lines, blank ones left out."""
    shown = [(a, b) for a, b in lines(text, start, end) if text[a:b].strip()]
    return _ROWS[kind](text, shown)


def _head(text: str, a: int, b: int) -> int:
    match = _HEAD.match(text, a, min(b, a + 120))
    return match.end() - a if match else 0


def _indent(text: str, a: int, b: int) -> int:
    line = text[a:b].expandtabs(8)
    return len(line) - len(line.lstrip())


def _row(text: str, span: Range, level: float, *, heads: bool = False) -> Row:
    return Row(*span, level=level, heads=heads, head=_head(text, *span))


def _diff(text: str, shown: list[Range]) -> list[Row]:
    """Files, hunks, lines: ``---`` and ``+++`` head a file; what git says above them can go."""
    rows: list[Row] = []
    left = [0, 0]
    for a, b in shown:
        hunk = _HUNK.match(text, a)
        if hunk:
            left = [int(hunk.group(1) or 1), int(hunk.group(2) or 1)]
            rows.append(Row(a, b, 1, heads=True, whole=True))
        elif max(left) > 0 and text[a] in " +-\t\\":
            left[0] -= text[a] in " -\t"
            left[1] -= text[a] in " +\t"
            rows.append(Row(a, b, 2, head=1, favoured=text[a] in "+-" and b - a > 2))
        elif text.startswith("+++ ", a) and rows and text.startswith("--- ", rows[-1].start):
            before = rows[-1]
            if text[before.start + 6 : before.end] == text[a + 6 : b]:  # one name is enough
                rows.append(Row(a, b, 0, heads=True, whole=True))
            else:
                rows[-1] = Row(before.start, b, 0, heads=True, whole=True)
        else:
            rows.append(Row(a, b, 0, heads=False, whole=True))
    return rows


def _log(text: str, shown: list[Range]) -> list[Row]:
    rows: list[Row] = []
    for a, b in shown:
        headed = LOG.match(text, a) is not None
        rows.append(_row(text, (a, b), 0 if headed else 1 + _indent(text, a, b)))
    return rows


def _output(text: str, shown: list[Range]) -> list[Row]:
    rows: list[Row] = []
    table: list[int] = []
    for index, (a, b) in enumerate(shown):
        if rows and _PLACE.match(text, a, b):
            rows.append(_row(text, (a, b), rows[-1].level + 0.5))  # what is wrong stays without it
            continue
        if rows and _PLACED.match(text, *shown[index - 1]):
            before = rows[-1]
            rows[-1] = Row(before.start, b, before.level, before.heads, head=before.head)
            continue
        if _GUTTER.match(text, a, b):
            rows.append(_row(text, (a, b), 100))
            continue
        section = SECTION.match(text, a, b) is not None
        level = -1.0 if section else float(_indent(text, a, b))
        columns = len(_COLUMN_GAP.findall(text[a:b])) >= 2
        if columns and table and abs(_indent(text, *shown[table[0]]) - level) <= 2:
            table.append(index)
            level += 0.5
        elif columns and _is_header(text, shown, index):
            table = [index]
        elif _RULE.match(text[a:b]) and len(table) == 1:
            rows[-1] = Row(rows[-1].start, b, rows[-1].level, heads=True, whole=True)
            continue
        else:
            table = []
        heads = section or table == [index] or text[b - 1] == ":"
        rows.append(_row(text, (a, b), level, heads=heads))
    return rows


def _is_header(text: str, shown: list[Range], index: int) -> bool:
    """Whether a line names the columns of those below it: no digits, and they have some."""
    a, b = shown[index]
    if any(c.isdigit() for c in text[a:b]):
        return False
    below = shown[index + 1 : index + 4]
    return (
        len(below) >= 2
        and sum(
            any(c.isdigit() for c in text[c0:d0]) and _COLUMN_GAP.search(text, c0, d0) is not None
            for c0, d0 in below
        )
        >= 2
    )


def _settings(text: str, shown: list[Range]) -> list[Row]:
    rows = []
    for a, b in shown:
        line = text[a:b].strip()
        dashed = line.startswith("- ") or line == "-"
        section = SECTION.match(line) is not None
        level = -1.0 if section else _indent(text, a, b) + 0.5 * dashed
        heads = section or re.search(r":(?:\s*[|>][+\-]?)?$|^-$", line) is not None
        rows.append(_row(text, (a, b), level, heads=heads))
    return rows


def _sql(text: str, shown: list[Range]) -> list[Row]:
    rows: list[Row] = []
    opened = values = False
    for a, b in shown:
        line = text[a:b].strip()
        if opened and line.startswith(")"):
            rows.append(Row(a, b, 1, closes=True, whole=True))
            opened = False
        elif values and line.startswith("("):
            rows += [Row(c, d, 1, whole=True) for c, d in _tuples(text, a, b)]
        elif opened:
            rows.append(Row(a, b, 1, whole=True))
        else:
            opened = line.endswith("(")
            values = re.search(r"\bVALUES\s*$", line, re.IGNORECASE) is not None
            inline = re.match(r"INSERT\b.*?\bVALUES\s*(?=\()", text[a:b], re.IGNORECASE)
            if inline and b - a > 240:
                rows.append(Row(a, a + inline.end(), 0, heads=True, whole=True))
                rows += [Row(c, d, 1, whole=True) for c, d in _tuples(text, a + inline.end(), b)]
                continue
            rows.append(Row(a, b, 0, heads=opened or values, whole=b - a < 1000))
    return rows


def _tuples(text: str, start: int, end: int) -> list[Range]:
    """Rows of values that share a line."""
    cuts = [m.end() for m in re.finditer(r"\),\s*(?=\()", text[start:end])]
    edges = [start, *(start + cut for cut in cuts), end]
    return list(pairwise(edges))


def _code(text: str, shown: list[Range]) -> list[Row]:
    from edgelingua.text.structure.code import rows_of_code

    return rows_of_code(text, shown)


_ROWS: dict[LineKind, Callable[[str, list[Range]], list[Row]]] = {
    "diff": _diff, "log": _log, "output": _output, "settings": _settings, "sql": _sql,
    "code": _code,
}  # fmt: skip
