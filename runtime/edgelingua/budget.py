"""How much may stay: the only place that rounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from edgelingua.errors import BudgetError
from edgelingua.text.counting import Count, Counting, counter

__all__ = ["Budget", "Count", "Counting"]


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
        Counts tokens: a function, a tokenizer (tiktoken's encodings are), or the path of a
        ``tokenizer.json`` or ``.gguf`` file. ``None``: the compressor's default, which is the
        generator's tokenizer where the compressor knows its generator (as in `Assistant` and on the
        command line), else an estimate that is rather too high.
    strict
        Refuse a prompt whose pins do not fit, also where that is the doing of one document among
        several. Else that document keeps as many of its pins as fit its share, with a warning.

    Raises
    ------
    BudgetError
        Not exactly one of ``tokens`` and ``rate``, or a value out of range.
    InputError
        ``count`` cannot count, see `edgelingua.text.counting.counter`.
    """

    tokens: int | None = None
    rate: float | None = None
    count: Counting | None = None
    strict: bool = False

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
        _ = self.counter  # refused here, if at all

    @cached_property
    def counter(self) -> Count | None:
        """The function that ``count`` stands for."""
        return None if self.count is None else counter(self.count)

    def limit(self, total: int) -> int:
        """Most tokens allowed for a prompt of ``total`` tokens: rounded down, but one at least."""
        if self.tokens is not None:
            return min(self.tokens, total)
        rate = 1.0 if self.rate is None else self.rate
        # The epsilon undoes binary fractions: 0.29 of 100 tokens is 29, not 28.
        return max(min(total, 1), math.floor(rate * total + 1e-9))
