"""When compressing pays: what is read sooner than the text it came from."""

from __future__ import annotations

from edgelingua.planner.card import CompressorCost, ReaderCost

LONGEST = 1 << 20
"""Tokens beyond which nobody asks."""

_SHORTEST = 32


def first_token(
    reader: ReaderCost,
    tokens: int,
    *,
    rate: float = 1.0,
    compressor: CompressorCost | None = None,
    beside: int = 0,
) -> float:
    """Return the seconds until a reader has read a text.

    Parameters
    ----------
    reader
        Who reads.
    tokens
        Of the text, as the reader counts.
    rate
        The fraction of them that is read.
    compressor
        What compresses it before; ``None``: nothing does.
    beside
        Tokens that are read with it in any case: the question, what is pinned.
    """
    compressing = compressor.curve(tokens * reader.characters) if compressor else 0.0
    return compressing + reader.prefill(reader.template + beside + rate * tokens)


def saved(reader: ReaderCost, tokens: int, rate: float, compressor: CompressorCost) -> float:
    """Return by how many seconds the first token comes sooner; below 0: later."""
    compressed = first_token(reader, tokens, rate=rate, compressor=compressor)
    return first_token(reader, tokens) - compressed


def break_even(reader: ReaderCost, rate: float, compressor: CompressorCost) -> int | None:
    """Return the tokens from which compressing and reading beats reading alone; ``None``: never.

    From there on it stays so, up to the longest text that was looked at.
    """
    lengths = [_SHORTEST]
    while lengths[-1] < LONGEST:
        lengths.append(max(lengths[-1] + 1, lengths[-1] * 17 // 16))
    lengths[-1] = LONGEST
    losing = [n for n in lengths if saved(reader, n, rate, compressor) <= 0]
    if not losing:
        return lengths[0]
    low = losing[-1]
    if low == lengths[-1]:
        return None
    high = lengths[lengths.index(low) + 1]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if saved(reader, middle, rate, compressor) > 0 else (middle, high)
    return high
