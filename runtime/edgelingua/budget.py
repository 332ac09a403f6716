"""How much may stay: the only place that rounds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from edgelingua.errors import BudgetError, described
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
        ``"auto"``, for `Assistant` only: what this device needs, see `planner.pace.Pace`.
    count
        Counts tokens: a function, a tokenizer (tiktoken's encodings are), or the path of a
        ``tokenizer.json`` or ``.gguf`` file. ``None``: the compressor's default, which is the
        generator's tokenizer where the compressor knows its generator (as in `Assistant` and on the
        command line), else an estimate that is rather too high.
    floor
        The chance that the answer survives, ``0 < floor < 1``: as few tokens are kept as that
        takes. For `llmlingua2` with a bundle that was calibrated (edgelingua-mini), and a question;
        by itself, or with ``tokens`` or ``rate`` as the most that may be kept.
    strict
        Refuse a prompt whose pins do not fit, also where that is the doing of one document among
        several. Else that document keeps as many of its pins as fit its share, with a warning.

    Raises
    ------
    BudgetError
        Not exactly one of ``tokens`` and ``rate``, none without a floor; a value out of range.
    InputError
        ``count`` cannot count, see `edgelingua.text.counting.counter`.
    """

    tokens: int | None = None
    rate: float | Literal["auto"] | None = None
    count: Counting | None = None
    strict: bool = False
    floor: float | None = None

    def __post_init__(self) -> None:
        given = (self.tokens is not None) + (self.rate is not None)
        if given != 1 and not (given == 0 and self.floor is not None):
            raise BudgetError("a budget takes either tokens=… or rate=…, exactly one of them")
        if self.floor is not None and not 0 < self.floor < 1:
            raise BudgetError(
                f"a floor of {self.floor}: expected a chance, above 0 and below 1, such as 0.95"
            )
        if self.tokens is not None and self.tokens < 1:
            raise BudgetError(f"a budget of {self.tokens} tokens: expected at least 1")
        # Written so that NaN fails too.
        if isinstance(self.rate, str) or self.rate is None:
            if self.rate not in ("auto", None):
                raise BudgetError(
                    f"a rate of {described(self.rate)}: expected a fraction or 'auto'"
                )
        elif not 0 < self.rate <= 1:
            raise BudgetError(
                f"a rate of {self.rate}: expected the fraction kept, above 0 and at most 1"
            )
        _ = self.counter  # refused here, if at all

    @cached_property
    def counter(self) -> Count | None:
        """The function that ``count`` stands for."""
        return None if self.count is None else counter(self.count)

    def without_floor(self) -> Budget:
        """Return the most that may be kept, whatever the floor."""
        rate = 1.0 if self.tokens is None and self.rate is None else self.rate
        return replace(self, rate=rate, floor=None)

    def limit(self, total: int) -> int:
        """Most tokens allowed for a prompt of ``total`` tokens: rounded down, but one at least."""
        if self.tokens is not None:
            return min(self.tokens, total)
        if self.rate == "auto":
            raise BudgetError(
                "a rate of 'auto' is for an Assistant, which knows its reader and this device; "
                "expected the fraction kept"
            )
        rate = 1.0 if self.rate is None else self.rate
        # The epsilon undoes binary fractions: 0.29 of 100 tokens is 29, not 28.
        return max(min(total, 1), math.floor(rate * total + 1e-9))
