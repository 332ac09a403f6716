"""``rate="auto"``: whether compressing pays for a text, and how much of it to read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgelingua.errors import InputError
from edgelingua.planner.card import Card, CompressorCost, ReaderCost
from edgelingua.planner.payoff import first_token

RATE = 0.2
"""What is kept where nothing presses: what answers almost all questions (docs/results.md)."""

_WORTH = 0.05
"""Share of the time that compressing has to save."""

_RATES = (0.5, 0.33, RATE, 0.1, 0.05)


@dataclass(frozen=True)
class Pace:
    """How fast a reader and a compressor are on this device, and how long one may wait.

    Parameters
    ----------
    reader, compressor
        Their costs, from the device's card.
    seconds
        Longest time to the first token; ``None``: as soon as `RATE` gives it.

    Raises
    ------
    InputError
        ``seconds`` is no time.
    """

    reader: ReaderCost
    compressor: CompressorCost
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and not 0 < self.seconds < float("inf"):
            raise InputError(f"{self.seconds} seconds to the first token: expected more than 0")

    @classmethod
    def of(
        cls,
        reader: Path,
        bundle: str,
        method: str,
        *,
        seconds: float | None = None,
        card: Card | None = None,
    ) -> Pace:
        """Return the pace of a reader's file and a method with a bundle, from a card.

        ``card``: ``None`` is that of this device, see `Card.read`.

        Raises
        ------
        InputError
            There is no card, or they are not on it.
        """
        card = card or Card.read()
        cost = card.compressor(bundle, method, question=True)
        return cls(card.reader(reader.name), cost, seconds)

    def rate(self, tokens: int, *, beside: int = 0) -> float:
        """Return which fraction of a text to read; 1: all of it, as it is.

        All of it where that meets `seconds`, else the highest rate that does. With no `seconds`,
        all of it unless compressing to `RATE` saves a twentieth of the time, at least: whoever
        gains less has nothing from a text with gaps.

        Parameters
        ----------
        tokens
            Of the text.
        beside
            Tokens that are read with it in any case.
        """
        whole = self._after(tokens, 1.0, beside)
        if self.seconds is None:
            sooner = self._after(tokens, RATE, beside) < (1 - _WORTH) * whole
            return RATE if sooner else 1.0
        if whole <= self.seconds:
            return 1.0
        for rate in _RATES:
            if self._after(tokens, rate, beside) <= self.seconds:
                return rate
        # Nothing meets it: what comes nearest.
        return min((1.0, *_RATES), key=lambda rate: self._after(tokens, rate, beside))

    def _after(self, tokens: int, rate: float, beside: int) -> float:
        compressor = None if rate == 1 else self.compressor
        return first_token(self.reader, tokens, rate=rate, compressor=compressor, beside=beside)
