"""Rules for what stands below a head: hunks of a diff, frames of a trace, values of a key."""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchmarks.faithfulness.outputs import Finding, Output, aligned, core


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


def sections(output: Output) -> Iterator[Finding]:
    """A setting stands below its own section."""
    homes = set(_sections(output.case.text))
    for section, setting in _sections(output.text):
        if (section, setting) not in homes:
            yield Finding("joined" if section else "header", f"{section} {setting}")


def _sections(text: str) -> Iterator[tuple[str, str]]:
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line
        elif "=" in line:
            yield section, line.strip()


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
