"""Code: where it is fenced, and which statements of it may go so that it still parses."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgelingua.text.ranges import Range
from edgelingua.text.structure.outline import LONGEST_RECORD
from edgelingua.text.structure.rows import Row

_FENCE = re.compile(r"^[ \t]*(`{3,}(?=[^`\n]*$)|~{3,})[ \t]*([^\s`]*)[^\n]*$", re.MULTILINE)

_LONGEST_PYTHON = 200_000
"""Characters; Python beyond is read by its brackets: its parser takes a second per megabyte."""

_PARTS, _SHORTEST = 12, 60
"""A statement goes whole up to this part of its code, or up to so many characters: what is longer
than the budget never stays."""

_DEPTH = 1000.0
"""Levels of a bracket; indentation is less."""

_PYTHON_SIGN = re.compile(
    r"\s*(?:(?:async )?def \w+\(|class \w+.*:$|import \w|from \S+ import |@\w|\w.*:$)"
)
_DEFINES = re.compile(
    r"^[ \t]*(?:(?:async )?def \w+\(|class \w+\b.*:|(?:import|from) \w[\w.]*\b.*)", re.MULTILINE
)
_CLOSES = re.compile(r"\s*(?:[}\])]|end\b|fi\b|done\b|esac\b)")
_OPENS = re.compile(r"[{(\[]\s*(?://.*)?$")
_COMMENT = re.compile(r"\s*(?:#(?!\s*(?:include|pragma|define|if|el|endif)|!)|//|--\s|%)")


@dataclass(frozen=True)
class Fenced:
    """A fenced block: its range, that of the lines inside, and the language it names."""

    start: int
    end: int
    inside: Range
    language: str


def find_fences(text: str, at: int = 0) -> Iterator[Fenced]:
    """Yield fenced blocks (``` and ~~~, after CommonMark); an open one goes on to the end."""
    while (opening := _FENCE.search(text, at)) is not None:
        mark = opening.group(1)
        closes = re.compile(rf"^[ \t]*{mark[0]}{{{len(mark)},}}[ \t]*\r?$", re.MULTILINE)
        begin = min(opening.end() + 1, len(text))
        closing = closes.search(text, begin)
        stop, end = (closing.start(), closing.end()) if closing else (len(text), len(text))
        yield Fenced(opening.start(), end, (begin, stop), opening.group(2).strip("{.}").lower())
        at = end
        if closing is None:
            return


def is_python(text: str) -> bool:
    """Whether a text is Python with something in it that prose does not have."""
    if len(text) > _LONGEST_PYTHON or not _DEFINES.search(text):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(textwrap.dedent(text.replace("\r\n", "\n")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def rows_of_code(text: str, shown: Sequence[Range]) -> list[Row]:
    """Return whole statements as rows; of long functions and classes, those of their bodies.

    Python is parsed; what does not parse, and other languages, go by brackets and indentation.

    Parameters
    ----------
    shown
        The lines that are not blank, ascending.
    """
    if not shown:
        return []
    start, end = shown[0][0], shown[-1][1]
    longest = min(LONGEST_RECORD, max(_SHORTEST, (end - start) // _PARTS))
    if end - start <= _LONGEST_PYTHON and any(_PYTHON_SIGN.match(text, a, b) for a, b in shown):
        rows = _python(text, shown, longest)
        if rows:
            return rows
    return _by_brackets(text, shown, longest)


def _python(text: str, shown: Sequence[Range], longest: int) -> list[Row] | None:
    start = shown[0][0]
    source = textwrap.dedent(text[start : shown[-1][1]].replace("\r\n", "\n"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    begins = [start]
    for match in re.finditer("\n", text[start : shown[-1][1]]):
        begins.append(start + match.end())
    blank = {number for number, a in enumerate(begins) if not text[a : _line_end(text, a)].strip()}
    rows: list[Row] = []

    def add(first: int, last: int, level: int, *, heads: bool = False) -> None:
        """Add lines, from 0, last included; blank ones at the ends left out."""
        while first <= last and first in blank:
            first += 1
        if first <= last:
            a, b = begins[first], _line_end(text, begins[last])
            rows.append(Row(a, min(b, shown[-1][1]), level, heads=heads, whole=True))

    waiting: list[tuple[list[ast.stmt], int, int, int]] = [(tree.body, 0, len(begins) - 1, 0)]
    while waiting:
        body, first, last, level = waiting.pop()
        at = first
        for index, statement in enumerate(body):
            stop = (statement.end_lineno or 1) - 1
            if stop < at:
                continue  # shares its line with the one before
            if index + 1 == len(body):
                stop = last  # comments behind the last one
            inner = _body(statement, text, begins, at, stop, longest)
            if inner:
                opening = _first_line(inner[0]) - 1
                add(at, opening - 1, level, heads=True)
                waiting.append((inner, opening, stop, level + 1))
            else:
                add(at, stop, level)
            at = stop + 1
    return sorted(rows, key=lambda row: row.start)


def _first_line(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    first: int = min([statement.lineno, *(each.lineno for each in decorators)])
    return first


def _body(
    statement: ast.stmt, text: str, begins: list[int], first: int, last: int, longest: int
) -> list[ast.stmt] | None:
    """Statements of a long block that may go one by one; ``None``: it is whole."""
    if begins[last] - begins[first] <= longest:
        return None
    block = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If, ast.For, ast.While,
             ast.With, ast.AsyncWith, ast.AsyncFor)  # fmt: skip
    if not isinstance(statement, block) or getattr(statement, "orelse", None):
        return None
    body = statement.body
    if body[0].lineno <= statement.lineno:
        return None
    head = begins[_first_line(body[0]) - 1]
    return body if text[begins[first] : head].rstrip() else None


def _line_end(text: str, at: int) -> int:
    stop = text.find("\n", at)
    stop = len(text) if stop < 0 else stop
    return stop - 1 if stop > at and text[stop - 1] == "\r" else stop


def _by_brackets(text: str, shown: Sequence[Range], longest: int) -> list[Row]:
    """Statements by their brackets; a long block loses them one by one, a short one goes whole."""
    pieces = _joined(text, shown)
    kind = ["" for _ in pieces]
    opener = [-1] * len(pieces)
    is_open: list[int] = []
    spans: list[Range] = []
    for index, (a, b) in enumerate(pieces):
        closes, opens = _CLOSES.match(text, a, b), _OPENS.search(text, a, b)
        if closes and is_open:
            first = is_open.pop()
            if opens:  # } else {: all of it is one statement
                is_open.append(first)
                kind[first] = "chain"
            else:
                opener[index] = first
                if kind[first] == "chain" or b - pieces[first][0] <= longest:
                    spans.append((first, index))
        elif opens:
            is_open.append(index)
    unclosed = set(is_open)
    merged: dict[int, int] = {}
    reach = -1
    for first, last in sorted(spans, key=lambda s: (s[0], -s[1])):
        if first > reach:
            merged[first] = reach = last
    rows, index, depth, level_of = [], 0, 0, dict[int, float]()
    while index < len(pieces):
        a, b = pieces[index]
        last = merged.get(index, index)
        line = text[a:b].expandtabs(8)
        level = _DEPTH * depth + len(line) - len(line.lstrip())
        if last > index:
            rows.append(Row(a, pieces[last][1], level, whole=True))
        elif opener[index] in level_of:
            depth -= 1
            rows.append(Row(a, b, level_of[opener[index]] + 0.5, closes=True, whole=True))
        else:
            heads = _OPENS.search(text, a, b) is not None and index not in unclosed
            depth += heads
            level_of[index] = level
            rows.append(Row(a, b, level, heads=heads, whole=b - a < 2 * LONGEST_RECORD))
        index = last + 1
    return rows


def _joined(text: str, shown: Sequence[Range]) -> list[Range]:
    """Lines of one statement as one: open brackets, no mark at the end, a comment above."""
    pieces: list[Range] = []
    depth = 0
    goes_on = False
    for a, b in shown:
        line = text[a : min(b, a + 2000)]
        if goes_on and pieces and b - pieces[-1][0] <= 2 * LONGEST_RECORD:
            pieces[-1] = (pieces[-1][0], b)
        else:
            pieces.append((a, b))
            depth = 0
        depth += line.count("(") + line.count("[") - line.count(")") - line.count("]")
        comment = _COMMENT.match(line) is not None
        goes_on = comment or (
            not _OPENS.search(line)
            and not _CLOSES.match(line)
            and (depth > 0 or line.rstrip().endswith((",", "\\", "=", "&&", "||", "+", ">")))
        )
    return pieces
