"""How many of the best units fit a budget: few counts, since counting is what fitting costs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def choose(size: Callable[[int], int], lengths: NDArray[np.int64], limit: int) -> tuple[int, int]:
    """Return how many of the best units fit and their size; 0 and its size if none does.

    Counting is not monotone (two pieces may merge into one token), so the number is a crossing
    point: the same for the same limit, and never smaller for a larger one.

    Parameters
    ----------
    size
        Tokens of what is kept when so many of the best units are chosen.
    lengths
        Characters of each unit, best first; they only guide the search.
    limit
        The most tokens.
    """
    reach = np.concatenate([[0], np.cumsum(lengths)])
    fits, overflows = len(lengths), len(lengths) + 1
    tokens = too_many = size(fits)
    if tokens > limit:
        fits, overflows = 0, len(lengths)
        tokens = size(0)
    probes = 0
    while overflows - fits > 1:
        share = (limit - tokens) / max(1, too_many - tokens) if probes < _GUESSES else 0.5
        middle = _between(fits, overflows, reach, share)
        probes += 1
        middle_size = size(middle)
        if middle_size <= limit:
            fits, tokens = middle, middle_size
        else:
            overflows, too_many = middle, middle_size
    return fits, tokens


def extend(size: Callable[[int], int], most: int, limit: int, tokens: int) -> tuple[int, int]:
    """Return the same where little room is left, so that few of ``most`` units fit it, if any.

    ``tokens``: the size of none, which fits.
    """
    fits, overflows, step = 0, most + 1, 1
    while overflows - fits > 1:
        last = min(fits + step, most) if overflows > most else (fits + overflows) // 2
        size_of_last = size(last)
        if size_of_last <= limit:
            fits, tokens, step = last, size_of_last, 2 * step
        else:
            overflows = last
    return fits, tokens


_BLOCK = 64
"""Units. So many more always count more, so one block alone holds the crossing, however found."""

_GUESSES = 4


def _between(fits: int, overflows: int, reach: NDArray[np.int64], share: float) -> int:
    """Where between two prefixes to count next; counting is what fitting costs.

    First the block that holds the crossing is guessed at, from how far (``share``) the limit lies
    between the two counts; tokens grow with characters. Inside it, where counting is not monotone,
    the steps are the same for every limit: that is why a larger one never keeps less.
    """
    low, high = fits // _BLOCK, -(-overflows // _BLOCK)
    if high - low <= 1:
        return (fits + overflows) // 2
    wanted = reach[fits] + share * (reach[overflows] - reach[fits])
    guess = round(int(np.searchsorted(reach, wanted)) / _BLOCK)
    return min(max(guess, low + 1), high - 1) * _BLOCK
