"""What a line looks like: the signs of logs, traces, listings, settings, code and SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

LineKind = Literal["diff", "log", "settings", "code", "sql", "output"]

LEVEL = r"[\[(<|]?\b(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|ERR|FATAL|CRITICAL|SEVERE)\b"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d)?"
TIME = "|".join(
    [
        r"[\[(]?(?:\d{4}[-/.]\d\d[-/.]\d\d(?:[T ,_]{1,2}\d\d:\d\d\S*)?",
        rf"\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}},?[ T]{_CLOCK}\S*",
        r"(?:[A-Z][a-z]{2},? )?[A-Z][a-z]{2} {1,2}\d{1,2}(?: \d{4})? \d\d:\d\d:\d\d\S*",
        r"\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d\S*",
        rf"{_CLOCK}(?:[.,]\d+)?(?:\s?[AP]M)?(?=[\])\s\-|,])",
        r"\d{10}(?:\.\d+|\d{3})?(?=\s))[\])]?",
    ]
)
"""Times at the beginning of lines."""

LOG = re.compile(
    rf"\s*(?:{TIME}|{LEVEL}[\])>|:]?(?:[\s:]|$)|[IWEF]\d{{4}} \d\d:\d\d|<\d{{1,3}}>|"
    r"\d{1,3}(?:\.\d{1,3}){3}\s\S+\s\S+\s\[)"
)
"""Lines of logs and of chats that say when."""

_GREP = (
    r"(?:[A-Za-z]:\\|\.{0,2}/)?[\w.@\-+/\\]*[\w\-]\.\w{1,8}[:\-]\d+[:\-]",
    r"[\w.@\-]+(?:/[\w.@\-]+)+[:\-]\d+[:\-]",
)
_TRACE = (
    r"\s*at [\w.$<>/\[\]]+\s?\(", r"\s*at \S+:\d+", r"\s*File \".*\", line \d+", "Caused by: ",
    r"Traceback \(", r"\s*\.\.\. \d+ (?:more|common)", r"\s*#\d+\s+(?:0x|in |/)",
    r"\s*--> \S+:\d+", r"\s*\d*\s+\|(?:\s|$)", r"\s*\d+ \| ", r"\s*= (?:note|help):",
    r"(?:[\w$]+\.)+[A-Z]\w*(?:Error|Exception)\b", r"[A-Z]\w*(?:Error|Exception): ",
    r"goroutine \d+", "panic: ",
)  # fmt: skip
_STATUS = (
    r"\s*(?:npm|yarn|pnpm|cargo|make(?:\[\d+\])?|pip|gcc|ld|tsc|docker) ?"
    r"(?:warn|error|ERR!|notice|info|WARN)?[: ]",
    r"\s*(?:error|warning|fatal|note|help|hint|debug|info|E|W)(?:\[\w+\])?: ",
    r"\s*(?:--- )?(?:PASS|FAIL|ok|not ok|XFAIL|SKIP)[ :\t]", r"\s*[$>#%] [a-z./]",
    r"[dlbcps\-][rwxsStT\-]{9}[.+@]?\s", r"\s*[=\-*#~]{4,}", r"\s*[✓✔✗✘×●]\s", r"Step \d+/\d+",
    r"\s*(?:modified|deleted|new file|renamed|both modified):\s", r"\?\? ",
    r"[E>] {2,}\S", r"_(?: ?_){3,}", r"(?:PASSED|FAILED|ERROR|SKIPPED|XPASS) \S+::",
    r"\S+\.\w+::\w",
    r"[ MADRCU?]{2} \S+/", r"\s*\S+ (?:PASSED|FAILED|ERROR|SKIPPED|OK)\b", r".*\[ *\d{1,3}%\]$",
)  # fmt: skip
_PAIRS = (
    r"\s*(?:export )?[\w.\-/]+(?:=|: {2,}|\s{2,}=\s)\S", r".*?(?:\b[\w.\-]+=\S+[\s,;]+){2}",
    r"[\w ]{2,30}: {2,}\S",
)  # fmt: skip
_COLUMNS = (r"\s{0,8}\S+(?: \S+){0,4}(?: {2,}|\t+)\S+(?: \S+){0,4}(?: {2,}|\t+)\S",)
_OUTPUT = re.compile("|".join([*_GREP, *_TRACE, *_STATUS, *_PAIRS, *_COLUMNS]))

SETTING = re.compile(
    r"(\s*(?:- )*)(?:[\w.$/\-]+|\"[^\"]+\"|'[^']+'):(?:\s+(.*))?$|"
    r"\s*- \S|\s*\[[\w.\-\" ]+\]$|[\w.\-]+ = "
)
"""``key: value``, with the indentation and the value; items, sections and ``key = value``."""

_CODE = re.compile(
    "|".join(
        [
            r"\s*(?:(?:async )?def \w+|class \w+|import [\w{*\"']|from \S+ import|return\b)",
            r"\s*(?:if|for|while|with|elif|except|try|else)\b.*:$|\s*@\w+",
            r"#include|#pragma|#define|#if|#endif",
            r"\s*(?:pub |export |static |public |private |protected |const |let |var |func |fn |"
            r"struct |enum |interface |namespace |template|using |package |use |impl |type )"
            r"\S*.*[;{=(>,]?$",
            r"\s*(?://|/\*|\*/|\* |\}|\)|\]|end$)|.*[;{}]$|.*[({\[]$",
            r"\s*[\w.\[\]]+ [+\-*/|]?= .+|\s*[\w.]+\(.*\)[;,]?$",
        ]
    )
)
_SQL = re.compile(
    r"\s*(?:INSERT INTO|CREATE (?:TABLE|INDEX|UNIQUE|VIEW)|DROP |ALTER |UPDATE \S+ SET|DELETE FROM|"
    r"SELECT\b|SET \w+|BEGIN;|COMMIT;|LOCK TABLES|UNLOCK|VALUES\b|-- |/\*!|\(.*\)[,;]$|"
    r"[`\"]\w+[`\"] \w+|PRIMARY KEY|UNIQUE KEY|\) )",
    re.IGNORECASE,
)
_STAMP = re.compile(r"\s*(?:[^\W\d]\w* |[^\w\s]{1,3} )?(\S*\d\S*(?: \S*\d\S*)?)(?=\s(?!\s))")
"""With single blanks: what stands further apart are the cells of a table."""
_SECTION_NUMBER = re.compile(r"\d{1,2}(?:\.\d{1,2})+\.?")
"""``2.1`` in a contract."""
_BEGIN = re.compile(r"\s*(?:> )?([^\W_]\S*|\[\s*\d\S*|#\d+)\s+(?=\S)")
_NAMED = re.compile(r"\w[/\\.:=_@\-]\w|[/.:]\w")
_MOST_WORDS = 8
_LETTERS, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")
ESCAPE = re.compile(
    "\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]{0,200}(?:\x07|\x1b\\\\)|[@-Z\\\\^_])"
)
"""Codes by which terminals colour a line."""
SECTION = re.compile(r"[ \t]*\[[\w.\-\" ]+\][ \t]*$", re.MULTILINE)
"""The name of a part of a settings file."""
_LOOKED_AT = 400
"""Characters of a line that are looked at."""


@dataclass(frozen=True)
class Line:
    """A line that is not blank, what it looks like, and whether it reads like a sentence."""

    start: int
    end: int
    kinds: frozenset[str]
    prose: bool


def look(text: str, start: int, end: int) -> Line:
    """Say what a line looks like, by its beginning."""
    line = text[start : min(end, start + _LOOKED_AT)]
    line = ESCAPE.sub("", line) if "\x1b" in line else line
    kinds = set()
    if LOG.match(line):
        kinds.add("log")
    if _OUTPUT.match(line):
        kinds.add("output")
    setting = SETTING.match(line)
    if setting and (setting.group(2) is None or _is_value(setting.group(2))):
        kinds.add("settings")
    if _SQL.match(line):
        kinds.add("sql")
    if _CODE.match(line):
        kinds.add("code")
    words = line.split()
    plain = sum(word.strip(".,;:!?\"'()“”").isalpha() for word in words)
    prose = len(words) >= 6 and plain >= 0.75 * len(words)
    return Line(start, end, frozenset(kinds), prose and not kinds & {"log", "output"})


def stamp(line: str) -> str:
    """Return what a line begins with if it is numbers, masked: ``081110 103547`` as ``0 0``.

    Logs have more ways to say when and where than can be listed, but their lines begin alike. Empty
    for less than two numbers.
    """
    match = _STAMP.match(line)
    if match is None or _SECTION_NUMBER.fullmatch(match[1]):
        return ""
    shape, many = _DIGITS.subn("0", _LETTERS.sub("a", match[1]))
    return shape if many > 1 else ""


def begin(line: str) -> str:
    """Return the first word of a line that goes on with a name: `Compiling` of `Compiling a v1`.

    What programs say of one thing after the other begins alike. Digits are masked; empty for lines
    without a name, a path or a version, and for long ones.
    """
    match = _BEGIN.match(line)
    if match is None or len(line.split(None, _MOST_WORDS)) > _MOST_WORDS:
        return ""
    return _DIGITS.sub("0", match[1]) if _NAMED.search(line, match.end()) else ""


def _is_value(value: str) -> bool:
    """Whether this is what settings have, and not what somebody says."""
    return len(value.split()) <= 5 and not value.rstrip("\"'").endswith((".", "!", "?", "…", ","))
