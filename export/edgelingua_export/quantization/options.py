"""What the user asks of a search."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from edgelingua_export.errors import ExportError
from edgelingua_export.quantization.targets import target

Objective = Literal["latency", "size", "first"]

MARGIN = 0.8
"""Share of the loss allowed that a candidate may have on the search text: on another text it may
be a little larger."""


@dataclass(frozen=True)
class SearchOptions:
    """How to choose.

    Parameters
    ----------
    target
        A name of `targets.TARGETS`.
    max_loss
        Largest loss allowed, as a share; see `measure.Row`.
    objective
        What to make small among the candidates that keep within it; ``first`` takes the first that
        does, from the cheapest on, and measures no more.
    seed
        Draws the excerpt of the calibration text. Nothing else is random.
    tokens
        How much of the search text is scored for each candidate.

    Raises
    ------
    ExportError
        A value is out of range, or no name that is known.
    """

    target: str = "cpu"
    max_loss: float = 0.02
    objective: Objective = "latency"
    seed: int = 0
    tokens: int = 2048

    def __post_init__(self) -> None:
        target(self.target)
        if self.objective not in get_args(Objective):
            expected = ", ".join(get_args(Objective))
            raise ExportError(f"objective {self.objective!r}: expected one of {expected}")
        if not 0 <= self.max_loss < 1:  # written so that NaN fails
            raise ExportError(f"max loss {self.max_loss}: expected a share from 0 to below 1")
        if self.seed < 0 or self.tokens < 1:
            raise ExportError(
                f"seed {self.seed}, tokens {self.tokens}: expected at least 0 and at least 1"
            )


def parse_loss(text: str) -> float:
    """Read ``2%`` or ``0.02``.

    Raises
    ------
    ExportError
        It is neither, or not between 0 and 100 %.
    """
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    try:
        loss = float(number) / (100 if percent else 1)
    except ValueError:
        loss = math.nan
    if not 0 <= loss < 1:  # written so that NaN fails
        raise ExportError(f"max loss {text!r}: expected a share below 1, such as 2% or 0.02")
    return loss
