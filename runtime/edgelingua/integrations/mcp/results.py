"""What the tools return."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Compression:
    """A compressed text.

    ``tokens_in`` and ``tokens_out`` count it before and after, ``limit`` is the most that were
    allowed, ``counted_in`` whose tokens these are. ``id`` is what `recover` asks for, ``dropped``
    the resource with what was left out, ``model`` the bundle that chose.
    """

    text: str
    tokens_in: int
    tokens_out: int
    limit: int
    counted_in: str
    id: str
    dropped: str
    model: str


@dataclass(frozen=True)
class Quotation:
    """A quotation: what the original says, and its characters there, ``end`` not included."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Recovery:
    """An answer with the original's wording, and what it quotes; or the original."""

    text: str
    quotations: list[Quotation]


@dataclass(frozen=True)
class Tokens:
    """How many tokens, and whose."""

    tokens: int
    counted_in: str


@dataclass(frozen=True)
class Plan:
    """Whether a text fits a context of ``cap`` tokens beside a question and an answer.

    ``fits``: as it is. ``tokens_out`` is what it may have once compressed, ``rate`` the fraction
    that this is; what fits keeps all.
    """

    fits: bool
    tokens_in: int
    tokens_out: int
    rate: float
    question_tokens: int
    answer_tokens: int
    cap: int
    counted_in: str
