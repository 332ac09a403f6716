"""From a response back to the original's wording, as llmlingua 0.2.2 searches for it.

The subsequence recovery of LongLLMLingua (Jiang et al. 2023, arXiv:2310.06839, section 4.4).
`edgelingua.recovery` does it without a search.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict

from tests.oracle.tokenizer import ReferenceTokenizer

_MAX_GAP = 10
"""Tokens between two neighbours of a quotation."""


def recover(tokenizer: ReferenceTokenizer, original: str, compressed: str, response: str) -> str:
    """Replace what ``response`` quotes from the compressed prompt by the original's tokens.

    A quotation is a maximal run of space-separated words of the response that is in the compressed
    prompt. Where the reference fails, on an empty word that is a quotation, it stays.
    """
    source = tokenizer.ids(original)
    said = response.split(" ")
    recovered = []
    first = 0
    while first < len(said):
        last = first
        if said[first] in compressed:
            while last + 1 < len(said) and " ".join(said[first : last + 2]) in compressed:
                last += 1
            quoted = " ".join(said[first : last + 1])
            place = _tightest(source, tokenizer.ids(quoted))
            recovered.append(tokenizer.decode(source[slice(*place)]) if place else quoted)
        else:
            recovered.append(said[first])
        first = last + 1
    return " ".join(recovered)


def _tightest(source: list[int], wanted: list[int]) -> tuple[int, int] | None:
    """Return the place with most of the wanted tokens in order, then the shortest, the earliest.

    Tokens that do not come within the gap are passed over.
    """
    if not wanted:
        return None
    places = defaultdict(list)
    interesting = set(wanted)
    for index, token in enumerate(source):
        if token in interesting:
            places[token].append(index)
    best: tuple[int, int, int] | None = None
    for start in places[wanted[0]]:
        at, found = start, 1
        for token in wanted[1:]:
            following = bisect_right(places[token], at)
            if following < len(places[token]) and places[token][following] - at <= _MAX_GAP:
                at = places[token][following]
                found += 1
        if best is None or (-found, at - start) < (-best[0], best[2] - best[1]):
            best = (found, start, at)
    return (best[1], best[2] + 1) if best else None
