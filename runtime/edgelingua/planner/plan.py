"""Which reader, rate, cap and cache type meet what a user can wait for and has memory for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from edgelingua.errors import InputError
from edgelingua.planner.card import Card, CompressorCost, ReaderCost
from edgelingua.planner.payoff import first_token

RATES = (1.0, 0.5, 0.33, 0.2, 0.1, 0.05)
"""Rates that were measured for what they keep (benchmarks/quality), the most first."""

_KINDS = ("f16", "q8_0", "q4_0")


@dataclass(frozen=True)
class Limits:
    """What must be met.

    ``context``: tokens of the text, as the reader counts. ``answer``: most tokens of an answer.
    ``seconds``: to the first token; ``megabytes``: of the whole process (10^6 bytes). ``None``: as
    much as it takes.
    """

    context: int
    seconds: float | None = None
    megabytes: float | None = None
    answer: int = 128
    question: bool = True


@dataclass(frozen=True)
class Candidate:
    """One way to answer, and what it takes.

    ``compressor``: ``None`` where the text is read whole. ``seconds`` to the first token, of which
    ``compressing`` are the compressor's. ``megabytes``: ``None`` where the system does not tell.
    """

    reader: ReaderCost
    compressor: CompressorCost | None
    rate: float
    cap: int
    kind: str
    seconds: float
    compressing: float
    megabytes: float | None

    @property
    def name(self) -> str:
        """What it is, in words."""
        how = "the whole text" if self.compressor is None else f"rate {self.rate:g}"
        if self.compressor and self.compressor.bundle:
            how += f" by {self.compressor.bundle}"
        return f"{self.reader.name}, {how}, {self.kind}"

    def fault(self, limits: Limits) -> str:
        """Return which limit it does not meet; empty: it meets them all."""
        if self.cap > self.reader.trained_length:
            return f"{self.cap:,} cells, and it was trained for {self.reader.trained_length:,}"
        if limits.seconds is not None and self.seconds > limits.seconds:
            return f"the first token after {self.seconds:.2f} s"
        if limits.megabytes is not None:
            if self.megabytes is None:
                return "nothing is known of its memory"
            if self.megabytes > limits.megabytes:
                return f"{self.megabytes:,.0f} MB"
        return ""


@dataclass(frozen=True)
class Plan:
    """What was chosen, and why not what would have come before it: (candidate, fault)."""

    chosen: Candidate | None
    refused: list[tuple[Candidate, str]] = field(default_factory=list)


def plan(card: Card, limits: Limits) -> Plan:
    """Choose the first candidate that meets all limits.

    The largest reader comes first, then the most text, then the cache that rounds least, then the
    compressors as the card has them, the default first: the order of what answers best, as far as
    that is known without trying.

    Raises
    ------
    InputError
        The card has no reader.
    """
    if not card.readers:
        raise InputError("the card of this device has no reader: edgelingua bench --reader NAME")
    refused: list[tuple[Candidate, str]] = []
    for candidate in _candidates(card, limits):
        fault = candidate.fault(limits)
        if not fault:
            return Plan(candidate, refused)
        refused.append((candidate, fault))
    return Plan(None, refused)


def _candidates(card: Card, limits: Limits) -> Iterator[Candidate]:
    """All ways, the best first."""
    compressors = [cost for cost in card.compressors if cost.question == limits.question]
    for reader in sorted(card.readers, key=lambda cost: -cost.file_mb):
        for rate in RATES:
            for kind in [kind for kind in _KINDS if kind in reader.cell_bytes]:
                for compressor in [None] if rate == 1 else compressors:
                    yield _candidate(reader, compressor, rate, kind, limits)


def _candidate(
    reader: ReaderCost, compressor: CompressorCost | None, rate: float, kind: str, limits: Limits
) -> Candidate:
    cells = reader.template + int(rate * limits.context) + limits.answer
    cap = -(-cells // 256) * 256  # llama.cpp allocates them by the 256
    compressing = compressor.curve(limits.context * reader.characters) if compressor else 0.0
    added = compressor.added_mb if compressor else 0.0
    known = reader.base_mb is not None and added is not None
    cache = cap * reader.cell_bytes[kind] / 1e6
    return Candidate(
        reader=reader,
        compressor=compressor,
        rate=rate,
        cap=cap,
        kind=kind,
        seconds=first_token(reader, limits.context, rate=rate, compressor=compressor),
        compressing=compressing,
        megabytes=(reader.base_mb or 0) + (added or 0) + cache if known else None,
    )
