"""Which of the recent turns are sent again as they are."""

from __future__ import annotations

from collections.abc import Sequence


def first_kept(sizes: Sequence[int], room: int) -> int:
    """Return the first of the turns that are kept as they are; none: how many there are.

    The window grows turn by turn up to ``room`` tokens, and then loses its oldest turns until half
    of it is left: so most requests begin with what the one before them began with, and the cache
    has it. It depends on nothing but the turns, so that it need not be remembered.

    Parameters
    ----------
    sizes
        Tokens of each turn, the oldest first.
    room
        Most tokens of the window.
    """
    first = total = 0
    for last, size in enumerate(sizes):
        total += size
        if total > room:
            while first <= last and total > room // 2:
                total -= sizes[first]
                first += 1
    return first
