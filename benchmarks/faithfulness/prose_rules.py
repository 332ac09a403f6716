"""Rules for prose: who does what, what is denied, and which number is whose."""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchmarks.faithfulness.outputs import Finding, Output

_END = re.compile(r"[.;!?\n]")
_HEDGED = re.compile(
    r"((?:at least|up to|about|at most|exactly|more than) )?(?<![=\w])(\d+) ([A-Za-z]+)"
)
"""Amounts; of a setting (``retries=92 the archive``), what stands behind is no unit."""


def clauses(output: Output) -> Iterator[Finding]:
    """Subject, verb, object and place of different clauses do not meet.

    Read from left to right up to a mark that ends a statement: a verb goes with the last subject,
    an object with the last verb, a place with what came last.
    """
    marks = sorted(
        (span, number, role)
        for number, clause in enumerate(output.case.clauses)
        for role, span in clause.spans.items()
        if role != "negation" and output.keeps(span)
    )
    subject: int | None = None
    last: int | None = None
    end = 0
    for span, number, role in marks:
        if _END.search(output.between(end, span[0])):
            subject = last = None
        end = span[1]
        owner = output.case.clauses[number].subject
        if role == "subject":
            subject, last = number, None
            continue
        meets = last is not None and last != number and not (role == "verb" and subject == owner)
        if meets or (last is None and subject is not None and subject != owner):
            yield Finding("joined", _around(output, span))
        last = number


def negations(output: Output) -> Iterator[Finding]:
    """A verb that is denied stays with its negation, and a negation with its verb."""
    for clause in output.case.clauses:
        if "negation" not in clause.spans:
            continue
        denied, negation = clause.spans["verb"], clause.spans["negation"]
        if output.keeps(denied) and not output.keeps(negation):
            yield Finding("negation", f"lost: {_around(output, denied)}")
        elif output.keeps(negation) and not output.keeps(denied):
            yield Finding("negation", f"alone: {_around(output, negation)}")


def amounts(output: Output) -> Iterator[Finding]:
    """A number keeps its unit, and what says how exact it is; an old number stays an old one."""
    text = output.case.text
    for match in _HEDGED.finditer(text):
        if not output.keeps(match.span(2)):
            continue
        if not output.keeps(match.span(3)):
            yield Finding("unit", _around(output, match.span(2)))
        if (
            match[1]
            and not output.keeps(match.span(1))
            and not output.keeps((match.start(1), match.end(1) - 1))
        ):
            yield Finding("hedge", _around(output, match.span(2)))
        old = max(
            text.rfind("old one", 0, match.start()), text.rfind("before that", 0, match.start())
        )
        if old > text.rfind(". ", 0, match.start()) and not output.keeps((old, old + 3)):
            yield Finding("joined", _around(output, match.span(2)))


def owners(output: Output) -> Iterator[Finding]:
    """A sentence's numbers and settings are those of one sentence of the text."""
    telling = re.compile(r"\b(?:gateway|mailer|indexer|archive|router|cache)\b|\d+|\w+(?==)")
    source = [set(telling.findall(part)) for part in re.split(r"(?<=\.)\s", output.case.text)]
    for part in re.split(r"(?<=[.;])\s|\n", output.text):
        found = set(telling.findall(part))
        if found and not any(found <= each for each in source):
            yield Finding("joined", part)


def settings(output: Output) -> Iterator[Finding]:
    """``key=value`` and ``key: value`` are those of the text."""
    pair = re.compile(r"\b(max_size|timeout|retries)(?:=|:\s*)(\w*)")
    there = set(pair.findall(output.case.text))
    for key, value in pair.findall(output.text):
        if (key, value) not in there:
            yield Finding("key", f"{key}={value}")


def doses(output: Output) -> Iterator[Finding]:
    """A dose follows its own medicine."""
    dose = re.compile(r"\b([a-z]+) (\d+ (?:mg|g)\b)|(\d+ mg\b|\b\d+ g\b)")
    there = {match.groups()[:2] for match in dose.finditer(output.case.text)}
    for match in dose.finditer(output.text):
        if match.groups()[:2] not in there:
            yield Finding("joined", output.text[max(0, match.start() - 30) : match.end()])


def periods(output: Output) -> Iterator[Finding]:
    """A period or amount of a contract stands in a line with words of its own clause."""
    telling = re.compile(r"\(\d+\)|EUR [\d,]+|^\d\.\d", re.M)
    source = [set(telling.findall(line)) for line in output.case.text.splitlines()]
    for line in output.text.splitlines():
        found = set(telling.findall(line))
        if found and not any(found <= each for each in source):
            yield Finding("joined", line)


def _around(output: Output, span: tuple[int, int]) -> str:
    """Give what is kept around a place of the text."""
    before = output.between(0, span[1])
    return f"{before[-60:]}{output.between(span[1], len(output.case.text))[:30]}"
