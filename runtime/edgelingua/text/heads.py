"""Heads of lines: what says of which file, when, how bad or by whom the rest of a line is."""

from __future__ import annotations

import re

import numpy as np

from edgelingua.text.ranges import Spans

_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[ \u202f]?[ap]\.?m\b\.?)?"
_DATE = r"(?:\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{2,4}|[A-Z][a-z]{2} {1,2}\d{1,2})"
_TIME = rf"(?:{_DATE}(?:[T ,]{{1,2}}{_CLOCK})?|{_CLOCK})(?:Z|[+-]\d\d:?\d\d|\b)"
_LEVEL = (
    r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|CRITICAL|FATAL|SEVERE|PANIC)\b"
    r"|(?:trace|debug|info|notice|warn|warning|error|critical|fatal|panic)(?=[:\])>])"
)
_PLACE = r"(?:[A-Za-z]:)?[\w./\\@+-]{1,200}:\d+(?::\d+)?(?=[:\s])"
_NAME = r"[^\W\d][\w.'’-]{0,30}(?: [^\W\d_][\w.'’-]{0,30}){0,2}:(?=\s)"
_PART = rf"(?:[\[(<]?(?:{_TIME}|{_LEVEL})[\])>]?|{_PLACE})[:,|\-–]?"
_HEADED = re.compile(
    rf"^([ \t]*{_PART}(?:[ \t]+(?:- )?{_PART}){{0,3}}(?:[ \t]+{_NAME})?)[^\r\n]*",
    re.MULTILINE,
)

_HEADING = re.compile(r"^[ \t]{0,3}(#{1,6}[ \t]+[^\s#]\S*)", re.MULTILINE)


def heading_marks(text: str) -> Spans:
    """Find the ``#`` of headings with the first word: ``(n, 2)``; alone it heads what follows."""
    found = [match.span(1) for match in _HEADING.finditer(text)] if "#" in text else []
    return np.asarray(found, dtype=np.int64).reshape(-1, 2)


def headed_lines(text: str) -> tuple[Spans, Spans]:
    """Find lines that have a head: times, levels, ``path:line``, who speaks behind a time.

    Returns
    -------
    heads, lines
        int64 ``(n, 2)`` each: character ranges, ascending, without line breaks.
    """
    found = [(match.span(1), match.span()) for match in _HEADED.finditer(text)]
    spans = np.asarray(found, dtype=np.int64).reshape(-1, 2, 2)
    return spans[:, 0], spans[:, 1]
