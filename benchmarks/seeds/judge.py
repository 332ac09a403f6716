"""What counts as a number, a reasoning step and a right answer in the published tasks."""

from __future__ import annotations

import re

import numpy as np
from benchmarks.quality.answers import f1
from benchmarks.quality.sets import found
from benchmarks.seeds.rouge import rouge_l
from benchmarks.seeds.tasks import Case
from numpy.typing import NDArray

_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")


def numbers(text: str) -> list[str]:
    """Return the numbers of a text, as they stand."""
    return _NUMBER.findall(text)


def steps(text: str) -> list[NDArray[np.int64]]:
    """Where the numbers stand in each line of a text that has some: character ranges ``(n, 2)``."""
    lines = re.finditer(r"[^\n]*\d[^\n]*", text)
    return [
        np.asarray([number.span() for number in _NUMBER.finditer(text, *line.span())])
        for line in lines
    ]


def number_in(text: str) -> str:
    """Return the number that an answer ends with: behind ``answer is``, or the last one."""
    behind = re.split(r"answer is", text, flags=re.IGNORECASE)
    every = numbers(behind[-1] if len(behind) > 1 else text) or numbers(text)
    return (every[0] if len(behind) > 1 else every[-1]).replace(",", "") if every else ""


def right(case: Case, text: str) -> float:
    """Judge an answer: 0 to 1."""
    wanted = case.answers
    if case.judge == "number":
        return float(_value(number_in(text)) == _value(wanted[0].replace(",", "")))
    if case.judge == "choice":
        said, option = (_words(each) for each in (_behind(text), wanted[0]))
        return float(said[: len(option)] == option)
    if case.judge == "contains":
        return float(any(answer.lower() in text.lower() for answer in wanted if answer))
    if case.judge == "f1":
        return max(f1(" ".join(text), [" ".join(answer)]) for answer in wanted)
    return rouge_l(text, wanted[0])


def _behind(text: str) -> str:
    """What follows the last ``answer is``; all of it without one."""
    return re.split(r"answer is", text, flags=re.IGNORECASE)[-1]


def _words(text: str) -> list[str]:
    """Words in lower case; articles too: ``(A)`` is an option."""
    return re.findall(r"\w+", text.lower())


def _value(text: str) -> float | None:
    try:
        return float(np.float64(text.rstrip(".")))
    except ValueError:
        return None


def holds(case: Case, text: str) -> float:
    """Whether an answer stands in what was kept: 0 or 1."""
    if case.task == "nq-20":
        return float(any(found(text, answer) for answer in case.answers))
    return float(any(answer.lower() in text.lower() for answer in case.answers if answer))
