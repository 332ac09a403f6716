"""A text cut into chunks that hang together: sentences of a paragraph, as many as fit."""

from __future__ import annotations

from itertools import pairwise

from edgelingua.budget import Count
from edgelingua.text.boundaries import sentences


def sentence_ranges(text: str) -> list[tuple[int, int]]:
    """Character ranges of sentences that tile the text: white space goes with what follows it."""
    ends = [start + len(text[start:end].rstrip()) for start, end in sentences(text).tolist()]
    edges = sorted({0, *ends, len(text)})
    return list(pairwise(edges))


def chunks(text: str, count: Count, longest: int) -> list[list[tuple[int, int]]]:
    """Return chunks of at most ``longest`` tokens, each a list of its sentences' ranges.

    A chunk ends where the next sentence does not fit; also before a blank line, once it is half
    full. A sentence that is longer by itself is a chunk.
    """
    found: list[list[tuple[int, int]]] = []
    size = 0
    for start, end in sentence_ranges(text):
        sentence = text[start:end]
        tokens = count(sentence)
        blank = "\n\n" in sentence[: len(sentence) - len(sentence.lstrip())]
        if not found or size + tokens > longest or (blank and 2 * size > longest):
            found.append([])
            size = 0
        found[-1].append((start, end))
        size += tokens
    return found
