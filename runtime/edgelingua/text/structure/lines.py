"""Text made of lines: logs, diffs, stack traces, listings, settings, code. Where it stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from edgelingua.text.ranges import Range, lines
from edgelingua.text.structure.signs import SECTION, SETTING, Line, LineKind, begin, look, stamp

_DIFF = re.compile(r"diff --git |--- \S|Index: ")
_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@")
_DIFF_SAYS = ("index ", "new file", "deleted file", "similarity", "rename ", "old mode", "new mode",
              "+++ ", "===")  # fmt: skip
_LATEX = re.compile(r"\s*\\[a-z]+|.*\$")
_INDENTED = re.compile(r"\s+\S")
_ASSIGNED = re.compile(r"\s*[\w.\-]+ = (?!.*[;{(]$)")
"""``key = value`` of INI and TOML, and no statement of a program."""
_STATEMENT = re.compile(r"\s*(?:INSERT INTO|CREATE TABLE|SELECT)\b", re.IGNORECASE)
_MOST = 0.6
"""Share of lines that are machine text where all of a text is."""
_STAMP = 120
"""Characters at the beginning of a line that say when and where."""
_LONG = 160
"""Characters; a longer line is a paragraph."""

LEAST = 4
"""Lines; fewer are no machine text, whatever they look like."""


def find_lines(text: str, start: int, end: int) -> Iterator[tuple[LineKind, Range]]:
    """Yield runs of lines that are machine text, and their kind; only of whole lines.

    Time grows with the length of the text.
    """
    if start and text[start - 1] != "\n":
        start = text.find("\n", start, end) + 1 or end
    if end < len(text) and text[end - 1] != "\n":
        end = text.rfind("\n", start, end) + 1
    shown = [look(text, a, b) for a, b in lines(text, start, end) if text[a:b].strip()]
    shown = _alike(text, _stamped(text, shown))
    diffs = list(_diffs(text, shown))
    yield from (("diff", each) for each in diffs)
    starts = [a for a, _ in diffs]

    def in_diff(line: Line) -> bool:
        at = bisect_right(starts, line.start) - 1
        return at >= 0 and line.start < diffs[at][1]

    shown = [line for line in shown if not in_diff(line)]
    found = [
        (kind, (shown[first].start, shown[last].end))
        for first, last in _runs(text, shown)
        if (kind := _kind(text, shown[first : last + 1]))
    ]
    yield from _widened(text, shown, found)


def _stamped(text: str, shown: list[Line]) -> list[Line]:
    """Lines that begin with numbers as some others do are lines of a log."""
    stamps = [stamp(text[line.start : min(line.end, line.start + _STAMP)]) for line in shown]
    many = Counter(filter(None, stamps))
    return [
        replace(line, kinds=line.kinds | {"log"}, prose=False) if many[found] >= LEAST else line
        for line, found in zip(shown, stamps, strict=True)
    ]


def _alike(text: str, shown: list[Line]) -> list[Line]:
    """Lines that begin as a neighbour and some others do are what a program prints: Compiling …."""
    known = frozenset({"log", "output"})
    begins = ["" if line.kinds & known else begin(text[line.start : line.end]) for line in shown]
    many = Counter(begins)
    padded = ["", "", *begins, "", ""]
    return [
        replace(line, kinds=line.kinds | {"output"}, prose=False)
        if found and many[found] >= LEAST and padded[at : at + 5].count(found) > 1
        else line
        for at, (line, found) in enumerate(zip(shown, begins, strict=True))
    ]


def _widened(
    text: str, shown: list[Line], found: list[tuple[LineKind, Range]]
) -> list[tuple[LineKind, Range]]:
    """Where most lines are machine text, the short lines between are part of it."""
    number = inside = 0
    free: list[list[Line]] = [[]]
    for line in shown:
        while number < len(found) and found[number][1][1] <= line.start:
            number += 1
            free.append([])
        if number < len(found) and found[number][1][0] <= line.start:
            inside += 1
        else:
            free[-1].append(line)
    if inside < _MOST * len(shown):
        return found
    for lines_between in free:
        if lines_between and all(b.end - b.start <= _LONG for b in lines_between):
            found.append(("output", (lines_between[0].start, lines_between[-1].end)))
    return sorted(found, key=lambda each: each[1])


def _diffs(text: str, shown: list[Line]) -> Iterator[Range]:
    """Unified diffs: from their first header to the last line of their last hunk."""
    at = 0
    while at < len(shown):
        line = shown[at]
        if not (_DIFF.match(text, line.start) or _HUNK.match(text, line.start)):
            at += 1
            continue
        stop, hunks = at, 0
        while stop < len(shown):
            begin = shown[stop].start
            if _HUNK.match(text, begin):
                hunks += 1
            elif not (
                text[begin] in " +-\\\t"
                or _DIFF.match(text, begin)
                or text.startswith(_DIFF_SAYS, begin)
            ):
                break
            stop += 1
        if hunks:
            yield line.start, shown[stop - 1].end
        at = max(stop, at + 1)


def _runs(text: str, shown: list[Line]) -> Iterator[tuple[int, int]]:
    """Maximal runs of lines that look like something, with a few between that look like nothing."""
    first = last = -1
    for index, line in enumerate(shown):
        if line.kinds and not line.prose:
            if first < 0:
                first = index
            last = index
        elif first >= 0 and ((line.prose and not line.kinds) or index - last > 3):
            yield first, last
            first = last = -1
    if first >= 0:
        yield first, last


def _kind(text: str, run: list[Line]) -> LineKind | None:
    count = len(run)
    share = {
        kind: sum(kind in line.kinds for line in run) / count
        for kind in ("log", "output", "settings", "sql", "code")
    }
    if count < LEAST:
        return None
    if share["log"] >= 0.15 and share["log"] + share["output"] >= 0.5:
        return "log"
    if share["sql"] >= 0.5 and any(_STATEMENT.match(text, a.start, a.end) for a in run):
        return "sql"
    if share["settings"] >= 0.75 and _is_settings(text, run):
        return "settings"
    if share["code"] >= 0.6 and _is_code(text, run):
        return "code"
    if share["output"] >= 0.5:
        return "output"
    if share["settings"] + share["output"] >= 0.75 and share["output"] >= 0.25:
        return "output"
    return None


def _is_settings(text: str, run: list[Line]) -> bool:
    """Whether keys are keys and not speakers, who speak again, nor points of a list in prose."""
    assigned = [m.group() for line in run if (m := _ASSIGNED.match(text, line.start, line.end))]
    sections = sum(SECTION.match(text, line.start, line.end) is not None for line in run)
    if len(assigned) >= 0.5 * len(run) and (
        sections or (len(run) >= 6 and len(set(assigned)) > 0.8 * len(assigned))
    ):
        return True
    keyed = [
        m
        for line in run
        if (m := SETTING.match(text[line.start : line.end])) and m.group(1) is not None
    ]
    if len(keyed) < 0.5 * len(run):
        return False
    nested = any(m.group(1) for m in keyed)
    keys = {m.group().split(":")[0].strip() for m in keyed}
    return (nested and any(m.group(2) is None for m in keyed)) or (
        len(run) >= 6 and len(keys) > 0.8 * len(keyed)
    )


def _is_code(text: str, run: list[Line]) -> bool:
    """Whether lines are code: marks that prose does not end with are in enough of them."""
    if sum(_LATEX.match(text, a.start, a.end) is not None for a in run) > len(run) / 3:
        return False  # LaTeX is prose
    if sum(line.prose for line in run) > len(run) / 4:
        return False
    marks = sum(
        text[line.end - 1] in ";{}()[]:=>"
        or _INDENTED.match(text, line.start, line.end) is not None
        for line in run
    )
    return marks >= 0.6 * len(run)
