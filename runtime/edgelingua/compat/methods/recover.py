"""From a response back to the original's wording, where only the texts are known.

`edgelingua.recovery` knows where a compressed prompt is from; here its words are looked up in the
original, paragraph by paragraph, since documents may have changed places.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict

from edgelingua.prompt import SEPARATOR
from edgelingua.recovery import requote
from edgelingua.text.boundaries import words

_BREAK = (0, 0)
"""Stands between words that are no neighbours: an empty word is in no response."""

Places = dict[str, list[int]]


def recover(original: str, compressed: str, response: str) -> str:
    """Replace what ``response`` quotes from the compressed prompt by the original's wording.

    See `edgelingua.recovery.requote` for what a quotation is.
    """
    spans = [(int(a), int(b)) for a, b in words(original)]
    places: Places = defaultdict(list)
    for index, (start, end) in enumerate(spans):
        places[original[start:end].casefold()].append(index)
    kept: list[tuple[int, int]] = []
    at = 0
    for paragraph in compressed.split(SEPARATOR):
        said = [paragraph[a:b].casefold() for a, b in words(paragraph).tolist()]
        # First behind the paragraph before; then anywhere.
        found = max((_mapped(said, places, start) for start in (at, 0)), key=_known)
        if found and None not in found:
            at = (found[-1] or 0) + 1
        kept.append(_BREAK)
        kept += [_BREAK if index is None else spans[index] for index in found]
    return requote(original, kept, response).text


def _known(found: list[int | None]) -> int:
    return sum(index is not None for index in found)


def _mapped(said: list[str], places: Places, start: int) -> list[int | None]:
    """Numbers of the original's words, ascending from ``start``, that words are; ``None``: none is.

    Each is first the next one that fits, then the one nearest to its neighbour on the right, where
    that is nearer than the one on the left: a word that is often there belongs beside the others.
    """
    found: list[int | None] = []
    at = start
    for word in said:
        following = places.get(word, [])
        number = bisect_left(following, at)
        found.append(following[number] if number < len(following) else None)
        at = at if found[-1] is None else found[-1] + 1
    later: int | None = None
    known = [index for index, place in enumerate(found) if place is not None]
    for order, index in reversed(list(enumerate(known))):
        place = found[index]
        if place is not None and later is not None:
            candidates = places[said[index]]
            nearest = candidates[bisect_right(candidates, later - 1) - 1]
            before = found[known[order - 1]] if order else None
            if before is None or later - nearest < place - before:
                place = found[index] = nearest
        later = place
    return found
