"""How much may stay: the only place that rounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from edgelingua.errors import BudgetError

Count = Callable[[str], int]
"""Counts the tokens of a text, the way the model that will read it does."""


@dataclass(frozen=True)
class Budget:
    """The most tokens that the compressed prompt may have.

    Parameters
    ----------
    tokens
        An absolute number, at least 1.
    rate
        The fraction of the prompt's tokens that may be kept, ``0 < rate <= 1``; 1 keeps everything.
    count
        Counts tokens. ``None``: the compressor's default, which is the generator's tokenizer where
        the compressor knows its generator (as in `Assistant` and on the command line).

    Raises
    ------
    BudgetError
        Not exactly one of ``tokens`` and ``rate``, or a value out of range.
    """

    tokens: int | None = None
    rate: float | None = None
    count: Count | None = None

    def __post_init__(self) -> None:
        if (self.tokens is None) == (self.rate is None):
            raise BudgetError("a budget takes either tokens=… or rate=…, exactly one of them")
        if self.tokens is not None and self.tokens < 1:
            raise BudgetError(f"a budget of {self.tokens} tokens: expected at least 1")
        # Written so that NaN fails too.
        if self.rate is not None and not 0 < self.rate <= 1:
            raise BudgetError(
                f"a rate of {self.rate}: expected the fraction kept, above 0 and at most 1"
            )

    def limit(self, total: int) -> int:
        """Most tokens allowed for a prompt of ``total`` tokens, rounded down."""
        if self.tokens is not None:
            return min(self.tokens, total)
        rate = 1.0 if self.rate is None else self.rate
        # The epsilon undoes binary fractions: 0.29 of 100 tokens is 29, not 28.
        return math.floor(rate * total + 1e-9)
