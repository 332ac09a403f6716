"""More is read where the reader is unsure: part by part, nothing twice."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import compress
from threading import Event

from edgelingua.budget import Budget, Count
from edgelingua.compressed import Compressed
from edgelingua.errors import InputError, described
from edgelingua.prompt import Prompt
from edgelingua.readers.reader import Reading, Written
from edgelingua.selection.rest import Further, Unread, with_further
from edgelingua.system.logs import logger
from edgelingua.system.measure import Stopwatch

_log = logger(__name__)

DOUBT = 0.3
"""See `Escalation`; `docs/planner.md` says how it was come by."""
FIRST = 0.1
"""Fraction of a text that is read first, if no budget says how much."""


@dataclass(frozen=True)
class Escalation:
    """When more is read, and how much.

    Parameters
    ----------
    doubt
        The answer stays whose doubt is no larger: 1 less the geometric mean of the probabilities
        of its tokens, and 1 where it says that it cannot tell. 0 or more, less than 1.
    growth
        What the text that was read is multiplied with at every step.
    tokens
        Most tokens of text and question in all; ``None``: what the cap leaves, or the context of a
        reader elsewhere.

    Raises
    ------
    InputError
        A value out of range.
    """

    doubt: float = DOUBT
    growth: float = 2.0
    tokens: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.doubt < 1:  # written so that NaN fails too
            raise InputError(f"a doubt of {self.doubt}: expected 0 or more, and less than 1")
        if not 1 < self.growth < math.inf:
            raise InputError(f"a growth of {self.growth}: expected more than 1, such as 2")
        if self.tokens is not None and self.tokens < 1:
            raise InputError(f"escalation up to {self.tokens} tokens: expected at least 1")

    @classmethod
    def of(cls, escalate: bool | Escalation) -> Escalation | None:
        """Return what was asked for; ``None``: nothing was.

        Raises
        ------
        InputError
            It is something else.
        """
        if isinstance(escalate, Escalation):
            return escalate
        if not isinstance(escalate, bool):
            raise InputError(
                f"escalate: expected True, False or an Escalation, got {described(escalate)}"
            )
        return cls() if escalate else None

    def most(self, reading: Reading) -> int:
        """Return the tokens of text and question that may be read in all.

        Raises
        ------
        CapError, InputError
            As `Reading.room`.
        """
        if self.tokens is None:
            return reading.room()
        with suppress(InputError):  # a reader elsewhere may not tell
            return min(self.tokens, reading.room())
        return self.tokens

    def first(self, prompt: Prompt, reading: Reading, count: Count) -> Budget:
        """Return what is read first if no budget says so."""
        tokens, stays = sizes(prompt, count)
        half = (self.most(reading) - stays) // 2
        return Budget(tokens=stays + max(1, min(math.ceil(FIRST * (tokens - stays)), half)))

    def check_room(self, prompt: Prompt, budget: Budget, reading: Reading, count: Count) -> None:
        """Raise `InputError` where the budget allows no less than all that may be read.

        That is none where it holds the whole text; and a floor chooses what it takes.
        """
        tokens, most = count(prompt.text), self.most(reading)
        first = budget.limit(tokens)
        if most <= first < tokens and budget.floor is None:
            raise InputError(
                f"escalate: {first:,} tokens are read at first and {most:,} may be read in all, so "
                "that nothing more can be: lower the budget, or raise the cap"
            )


@dataclass(frozen=True, eq=False)
class Escalated:
    """An answer, all of the text that was read for it, and how often more was read."""

    written: Written
    compressed: Compressed
    escalations: int


def read_on(
    reading: Reading,
    compressed: Compressed,
    escalation: Escalation,
    count: Count,
    watch: Stopwatch,
    cancel: Event,
) -> Generator[str, None, Escalated]:
    """Answer from a compressed text, and from more of it as long as the answer is in doubt.

    Nothing of an answer is yielded before it is sure to stay. Where doubt remains in the end, the
    answer with the least is given.

    Parameters
    ----------
    reading
        The answer in the making; it tells its doubt.
    compressed
        What is read first.
    escalation
        When more is read.
    count
        Counts the reader's tokens.
    watch, cancel
        As in `Reading.write`.
    """
    unread, furthers = Unread.of(compressed, count), list[Further]()
    if not unread.parts:  # all of it is read: this answer stays
        return Escalated((yield from reading.write(compressed, watch, cancel)), compressed, 0)
    attempt, read, written = reading.write(compressed, watch, cancel), 0, 0
    best: tuple[Written, list[str]] | None = None
    while True:
        pieces: list[str] = []
        done = _held(attempt, pieces)
        read, written = read + done.read, written + done.written
        if best is None or (_doubt(done) <= _doubt(best[0]) and not cancel.is_set()):
            best = done, pieces
        if cancel.is_set() or _doubt(done) <= escalation.doubt:
            break
        room = reading.left()
        if escalation.tokens is not None:
            room = min(room, escalation.tokens - unread.held)
        if (found := unread.further(escalation.growth, room)) is None:
            break
        _log.info("a doubt of %.2f: more is read", _doubt(done))
        further, unread = found
        furthers.append(further)
        attempt = reading.write_on(further, watch, cancel)
    answer, pieces = best
    yield from pieces
    answer = replace(
        answer,
        read=read,
        written=written,
        complete=answer.complete and done.complete,
        cache=done.cache,
        memory=done.memory,
    )
    return Escalated(answer, with_further(compressed, furthers, count), len(furthers))


def sizes(prompt: Prompt, count: Count) -> tuple[int, int]:
    """Return the tokens of a prompt, and of what of it stays in any case."""
    stays = "".join(compress(prompt.text, prompt.layout.protected.tolist()))
    return count(prompt.text), count(stays)


def _held(attempt: Generator[str, None, Written], pieces: list[str]) -> Written:
    """Let an answer be written, and keep its pieces."""
    while True:
        try:
            pieces.append(next(attempt))
        except StopIteration as end:
            done: Written = end.value
            return done


def _doubt(written: Written) -> float:
    return 1.0 if written.doubt is None else written.doubt
