"""What is left of a case, and how rules look at it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmarks.faithfulness.cases import Case

from edgelingua.compressed import broken

MARKS = ".,;:!?()[]{}\"'…«»—|`*"
"""Punctuation that may be cut off a piece. A sign (+, -), ``=`` and ``/`` may not."""

_DENYING = "no not never nothing nobody none nor without cannot don't didn't doesn't isn't"
NEGATIONS = frozenset(_DENYING.split())
_GLUE = "a an and as at by for from in is it of on or that the this to"
FUNCTION_WORDS = frozenset(_GLUE.split())


@dataclass(frozen=True)
class Output:
    """A compressed case.

    Parameters
    ----------
    case
        What it was.
    spans
        Kept character ranges of its text, ascending.
    breaks
        Blanks of its text in the place of which a line break stands.
    """

    case: Case
    spans: Sequence[tuple[int, int]]
    breaks: Sequence[int] = ()

    @cached_property
    def text(self) -> str:
        """What is left."""
        return self.between(0, len(self.case.text))

    def between(self, start: int, end: int) -> str:
        """Give what is left between two places of the case's text."""
        return "".join(
            self._broken[max(a, start) : min(b, end)]
            for a, b in self.spans
            if a < end and b > start
        )

    @cached_property
    def _broken(self) -> str:
        return broken(self.case.text, self.breaks)

    def keeps(self, span: tuple[int, int]) -> bool:
        """Whether a character range of the case's text is kept whole."""
        return any(start <= span[0] and span[1] <= end for start, end in self.spans)


@dataclass(frozen=True)
class Finding:
    """Something that the output says and the text does not: which rule saw it, and where."""

    rule: str
    where: str


Rule = Callable[[Output], Iterator[Finding]]
"""Looks for what a text did not say."""


def core(piece: str) -> str:
    """Return a piece without the marks at its ends; itself if there is nothing else."""
    return piece.strip(MARKS) or piece


def aligned(pieces: Sequence[str], line: Sequence[str]) -> list[int] | None:
    """Where the pieces stand in a line, in order, marks at their ends aside; None: not all do."""
    found, at = [], 0
    for piece in pieces:
        while at < len(line) and (piece not in line[at] or core(piece) != core(line[at])):
            at += 1
        if at == len(line):
            return None
        found.append(at)
        at += 1
    return found


def pieces(output: Output) -> Iterator[Finding]:
    """Each piece between blanks is one of the text's, but for marks at its ends."""
    there: dict[str, list[str]] = {}
    for piece in output.case.text.split():
        there.setdefault(core(piece), []).append(piece)
    for piece in output.text.split():
        known = there.get(core(piece), ())
        if any(piece in whole for whole in known):
            continue
        if not known:
            yield Finding("piece", piece)
        elif core(piece)[-1].isdigit():
            # A sentence's full stop behind a word that was not its last says where the sentence
            # ends, and nothing that it did not say; behind a number it may make another one of it.
            yield Finding("stop", piece)


def denials(output: Sequence[str], line: Sequence[str], places: Sequence[int]) -> Iterator[Finding]:
    """A negation of a line stays with what it denies: the words up to the next mark."""
    kept = set(places)
    for at, piece in enumerate(line):
        if core(piece).lower() not in NEGATIONS:
            continue
        end = at + 1
        while end < len(line) and not re.search(r"[,;.:!?]$", line[end - 1]):
            end += 1
        scope = {i for i in range(at + 1, end) if _tells(line[i])}
        if scope & kept and at not in kept:
            yield Finding("negation", f"lost: {' '.join(output)}")
        elif scope and at in kept and not scope & kept:
            yield Finding("negation", f"alone: {' '.join(output)}")


def _tells(piece: str) -> bool:
    """Whether a piece is more than a function word or marks."""
    word = core(piece).lower()
    return word not in FUNCTION_WORDS and any(letter.isalnum() for letter in word)
