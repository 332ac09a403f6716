"""What a generated text is: the text, a question, what answers it, and what matters without one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Clause:
    """A clause of generated prose: where its subject, verb, object and negation stand.

    Parameters
    ----------
    subject
        Number of the clause whose subject this one has; its own, or an earlier one's ("the board
        met and *adjourned*").
    spans
        Character ranges of the text by role: ``"subject"`` (only where it is the clause's own),
        ``"verb"``, ``"object"``, ``"place"``, ``"negation"`` (only where something is denied).
    """

    subject: int
    spans: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Case:
    """A text of one kind.

    Parameters
    ----------
    kind
        Key of `benchmarks.faithfulness.kinds.KINDS`.
    text
        The text.
    question
        A question that it answers.
    needed
        Strings of the text that the answer needs.
    facts
        Strings of the text that a reader without a question wants to know.
    clauses
        Of prose: what it states.
    """

    kind: str
    text: str
    question: str
    needed: tuple[str, ...]
    facts: tuple[str, ...]
    clauses: tuple[Clause, ...] = ()

    def __post_init__(self) -> None:
        for fact in (*self.needed, *self.facts):
            if fact not in self.text:
                raise ValueError(f"{self.kind}: {fact!r} is not in the text")


Generator = Callable[[Random], Case]
"""Makes a case; the same one from the same state of the generator."""
