"""How much of each window of tokens llmlingua 0.2.2 keeps: its plans of windows and rates."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from edgelingua.errors import InputError
from tests.oracle.documents import Extent
from tests.oracle.tokenizer import ReferenceTokenizer

Window = list[tuple[int, float]]
"""Stretches of a window: tokens, and the fraction of them to keep."""


def plan(sizes: Sequence[int], deltas: Sequence[float], target: float, window: int) -> list[Window]:
    """Plan windows over documents, each with the budget's share and its own delta.

    Parameters
    ----------
    sizes
        Tokens per document, two more for what joins them.
    deltas
        Added to a document's share.
    target
        Tokens that may stay.
    window
        Tokens per window. The first is one shorter: its first token has no loss.
    """
    share = target / (sum(sizes) + 1)
    windows: list[Window] = []
    current: Window = []
    filled = 1
    for size, delta in zip(sizes, deltas, strict=False):
        rate = max(min(1, share + delta), 0)
        if filled + size < window:
            filled += size
            current.append((size, rate))
            continue
        current.append((window - filled, rate))
        windows.append(current)
        filled += size - window
        # A remainder of exactly one window is not split off: it stays the open one.
        whole = filled // window if filled > window else 0
        windows += [[(window, rate)] for _ in range(whole)]
        filled -= whole * window
        current = [(filled, rate)] if filled else []
    return [*windows, current] if current else windows


def structured_plan(
    tokenizer: ReferenceTokenizer,
    ids: Sequence[int],
    context: Sequence[str],
    stretches: Sequence[Sequence[Extent]],
    window: int,
) -> list[Window]:
    """Plan windows over tagged documents: every part has a rate of its own.

    A token across the border of two parts has the lower rate, or stays if one of the parts does.

    Parameters
    ----------
    tokenizer
        Tells what each token adds to the text.
    ids
        Tokens of the documents, joined by blank lines.
    context, stretches
        The documents and their parts.
    window
        Tokens per window.

    Raises
    ------
    InputError
        The tokens do not spell the documents, or the parts do not cover them.
    """
    parts = _parts(context, stretches)
    text = "\n\n".join(context)
    covered = sum(length for length, _, _ in parts)
    if tokenizer.decode(ids) != text or covered != len(text):
        raise InputError(
            "the tagged parts do not cover the prompt, or its tokens do not spell it exactly; "
            "llmlingua 0.2.2 fails here too"
        )
    rates = _token_rates(_lengths(tokenizer, ids), parts)
    borders = range(0, len(rates), window)
    return [_runs(rates[start : start + window]) for start in borders]


def _parts(context: Sequence[str], stretches: Sequence[Sequence[Extent]]) -> list[Extent]:
    """Parts of all documents; the last of a document has the blank line behind it."""
    parts: list[Extent] = []
    for index, (text, own) in enumerate(zip(context, stretches, strict=True)):
        left = len(text)
        for at, (length, rate, wanted) in enumerate(own):
            taken = min(length, left)
            left -= taken
            last = at == len(own) - 1 and index != len(context) - 1
            parts.append((taken + 2 * last, rate if wanted else 1.0, wanted))
    return parts


def _lengths(tokenizer: ReferenceTokenizer, ids: Sequence[int]) -> list[int]:
    """Characters each token adds, seen with the two tokens before it."""
    places = range(len(ids))
    shorter = [tokenizer.decode(ids[max(0, at - 2) : at]) for at in places]
    longer = [tokenizer.decode(ids[max(0, at - 2) : at + 1]) for at in places]
    return [max(0, len(long) - len(short)) for long, short in zip(longer, shorter, strict=True)]


def _token_rates(lengths: Sequence[int], parts: Sequence[Extent]) -> list[float]:
    """Rate of each token."""
    rates = []
    part = seen = 0
    for whole in lengths:
        length = whole
        met: list[Extent] = []
        while length and part < len(parts) and length >= parts[part][0] - seen:
            met.append(parts[part])
            length -= parts[part][0] - seen
            part, seen = part + 1, 0
        if part < len(parts) and (length or not met):
            met.append(parts[part])
        if (length and part == len(parts)) or not met:
            raise InputError("the tagged parts end before the prompt's tokens do")
        wanted = all(compressed for _, _, compressed in met)
        rates.append(min(rate for _, rate, _ in met) if wanted else 1.0)
        seen += length
    return rates


def _runs(rates: Sequence[float]) -> Window:
    """Lengths and rates of the runs of equal rates."""
    changes = [at for at in range(1, len(rates)) if rates[at] != rates[at - 1]]
    return [(end - start, rates[start]) for start, end in pairwise([0, *changes, len(rates)])]
