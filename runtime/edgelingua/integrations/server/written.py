"""What an answer consists of, as it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgelingua.integrations.server.calls import Call


@dataclass(frozen=True)
class Token:
    """A token that was drawn: what it stands for, its log-probability, and those of the likeliest.

    Probabilities are the model's, before penalties, bias, temperature or a grammar.
    """

    raw: bytes
    logprob: float
    likeliest: tuple[tuple[bytes, float], ...] = ()


@dataclass(frozen=True)
class Piece:
    """Some text of an answer, which may be none, and its tokens where they were asked for.

    ``calls`` are calls of tools that are complete behind it. ``choice`` is the answer's number,
    where several were asked for.
    """

    text: str
    choice: int = 0
    tokens: tuple[Token, ...] = ()
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True)
class Finish:
    """How an answer ended: ``written`` tokens, ``cached`` ones that had been read before.

    ``evicted`` cached tokens gave way to others while it was read and written. What was not cached
    was read in ``seconds_reading``.
    """

    reason: Literal["stop", "length", "tool_calls"]
    written: int
    cached: int
    evicted: int
    choice: int
    seconds_reading: float
