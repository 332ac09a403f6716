"""Rules for texts made of lines: nothing of one line stands in another, and heads stay."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from benchmarks.faithfulness.outputs import Finding, Output, Rule, aligned, core, denials

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


def hunks(output: Output) -> Iterator[Finding]:
    """A changed line of a diff stands below the head of its own file."""
    homes: dict[str, set[str]] = {}
    for line, about in _below(output.case.text):
        homes.setdefault(line, set()).add(about)
    for line, about in _below(output.text):
        if not about:
            yield Finding("header", line)
        elif about not in homes.get(line, {about}):
            yield Finding("joined", f"{about}: {line}")


def _below(text: str) -> Iterator[tuple[str, str]]:
    """Give changed lines, and what the last head of a file or hunk before them was about."""
    heads = re.compile(r"(?:diff --git a/|--- a/|\+\+\+ b/)\S+/(\w+)\.py|@@.*def load_(\w+)")
    about = ""
    for line in text.splitlines():
        if match := heads.match(line):
            about = match[1] or match[2]
        elif re.match(r"[-+]", line):
            yield line, about


def causes(output: Output) -> Iterator[Finding]:
    """A frame of a trace stands below its own exception."""
    homes: dict[str, set[str]] = {}
    for frame, exception in _frames(output.case.text):
        homes.setdefault(frame, set()).add(exception)
    for frame, exception in _frames(output.text):
        if exception not in homes.get(frame, {exception}):
            yield Finding("joined", f"{exception}: {frame}")


def _frames(text: str) -> Iterator[tuple[str, str]]:
    exception = ""
    for line in text.splitlines():
        if match := re.search(r"\b[\w.]+(?:Exception|Error)\b", line):
            exception = match[0]
        elif match := re.search(r"\bat (\S+)", line):
            yield core(match[1]), exception


def places(output: Output) -> Iterator[Finding]:
    """A place that a compiler names stands below its own message."""
    homes = dict(_places(output.case.text))
    for place, message in _places(output.text):
        if message != homes.get(place, message):
            yield Finding("joined" if message else "header", f"{message}: {place}")


def _places(text: str) -> Iterator[tuple[str, str]]:
    message = ""
    for line in text.splitlines():
        if re.match(r"(?:error|warning)\b", line):
            message = line.strip()
        elif match := re.search(r"--> (\S+)", line):
            yield match[1], message


def files(output: Output) -> Iterator[Finding]:
    """A line of a listing names its file."""
    for line in output.text.splitlines():
        if re.match(r"-rw|\t(?:deleted|modified):", line) and not re.search(r"\.(?:tar|py)$", line):
            yield Finding("cells", line)


def paths(output: Output) -> Iterator[Finding]:
    """A value of an indented text stands below its own keys, or below none."""
    there: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    for keys, value in _paths(output.case.text):
        there.setdefault((keys[-1], value), []).append(keys)
    for keys, value in _paths(output.text):
        homes = there.get((keys[-1], value))
        if homes is None:
            yield Finding("key", f"{'.'.join(keys)}: {value}")
        elif not any(aligned(keys, home) is not None for home in homes):
            yield Finding("joined", f"{'.'.join(keys)}: {value}")


def _paths(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Give each ``key: value`` that has a value, with the keys it stands below."""
    stack: list[tuple[int, str]] = []
    for line in text.splitlines():
        match = re.match(r"(\s*(?:- )?)([\w ./-]+):(?:\s+(.*))?$", line)
        if not match:
            continue
        depth, key, value = len(match[1]), match[2], match[3] or ""
        while stack and stack[-1][0] >= depth:
            stack.pop()
        stack.append((depth, key))
        if value:
            yield tuple(key for _, key in stack), " ".join(value.split())
