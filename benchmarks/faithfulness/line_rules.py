"""Rules for texts made of lines: nothing of one line stands in another, and heads stay."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from benchmarks.faithfulness.outputs import Finding, Output, Rule, aligned, denials

_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_BLOCK = re.compile(r"</?(?:body|div|footer|h1|head|html|li|main|nav|p|table|title|tr|ul)\b[^<>]*>")
_TAG = re.compile(r"<[^<>]*>")


def plain(text: str) -> str:
    """Leave out ANSI escapes."""
    return _ESCAPE.sub("", text)


def untagged(text: str) -> str:
    """Leave out tags; paragraphs and rows become lines."""
    return _TAG.sub(" ", _BLOCK.sub("\n", text))


def lines(head: str = "", strip: Callable[[str], str] = str) -> Rule:
    """Make a rule: each line is a part of one line of the text, and begins as that does.

    Parameters
    ----------
    head
        Pattern of what a line begins with, where lines of this kind have a head.
    strip
        Leaves out what is no content.
    """

    def rule(output: Output) -> Iterator[Finding]:
        source = [line.split() for line in strip(output.case.text).splitlines()]
        whole = strip(output.case.text).splitlines()
        for line in strip(output.text).splitlines():
            if not (left := line.split()):
                continue
            fits = [(at, places) for at, own in enumerate(source) if (places := aligned(left, own))]
            if not fits:
                yield Finding("joined", line)
                continue
            found = [
                list(_within(line, left, whole[at], source[at], places, head))
                for at, places in fits
            ]
            yield from min(found, key=len)

    return rule


def _within(
    line: str, left: Sequence[str], whole: str, source: Sequence[str], places: list[int], head: str
) -> Iterator[Finding]:
    start = re.match(head, whole) if head else None
    if start and not line.startswith(start[0].rstrip()):
        yield Finding("head", line)
    yield from denials(left, source, places)


def escapes(output: Output) -> Iterator[Finding]:
    """ANSI escapes are whole or gone, and a colour is that of the words it stood before."""
    rest = plain(output.text)
    for broken in re.findall(r"\x1b.{0,8}|\[\d{1,2}m", rest):
        yield Finding("mark", broken)


_UNITS = r"(?:ms|kr|kg|km|kW|MB|Mi|hours|days|euros|crowns|litres|MWh|mg|g)\b"
_AMOUNT = re.compile(
    rf"(?<![\w.])(?:\d{{1,3}}(?: \d{{3}})+|\(?[\d.]+\)?)(?: |&nbsp;|(?=Mi)){_UNITS}"
)
_NUMBER = re.compile(r"(?<![\w.:/-])\d+(?![\w.:/-])")


def units(output: Output) -> Iterator[Finding]:
    """A number keeps its unit, and a unit its number."""
    text = plain(output.case.text)
    there = set(_AMOUNT.findall(text))
    bound = {number for amount in there for number in _NUMBER.findall(amount)}
    bound -= set(_NUMBER.findall(_AMOUNT.sub(" ", text)))  # and stands nowhere else
    left = plain(output.text)
    for amount in _AMOUNT.findall(left):
        if amount not in there:
            yield Finding("unit", amount)
    for number in _NUMBER.findall(_AMOUNT.sub(" ", left)):
        if number in bound:
            yield Finding("unit", number)
