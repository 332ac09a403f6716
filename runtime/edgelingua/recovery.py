"""From an answer back to the original: wording restored, sources cited.

LLMLingua's subsequence recovery (Jiang et al. 2023, arXiv:2310.06839, section 4.4) searches the
original for tokens that look like the answer's. Here nothing needs to be searched: a compressed
prompt knows which characters of the original it is made of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from edgelingua.text.boundaries import words
from edgelingua.text.ranges import occurrences

MAX_GAP = 80
"""Most characters dropped between two neighbouring words that are still one quotation."""


@dataclass(frozen=True)
class Citation:
    """A quotation in an answer.

    ``answer`` are its characters in the recovered text, ``source`` those in the original prompt;
    both half-open. ``text`` is the original's wording.
    """

    answer: tuple[int, int]
    source: tuple[int, int]
    text: str


@dataclass(frozen=True)
class Recovered:
    """An answer with the original's wording, and where the wording is from."""

    text: str
    citations: tuple[Citation, ...]


def requote(
    original: str, kept: Sequence[tuple[int, int]], answer: str, gap: str = ""
) -> Recovered:
    """Restore the wording of ``original``, of which only the words ``kept`` were there to quote.

    A quotation is the longest run of words of the answer that stand next to each other among the
    kept ones, two words at least, or a single one with a digit in it. Where words were dropped
    between them, up to `MAX_GAP` characters, they come back. Of several places the one that needs
    the least restoring is taken, then the earliest.

    Parameters
    ----------
    original
        The text as it was.
    kept
        Character ranges of it, in the order in which the words stood; an empty one is a break, over
        which no quotation goes.
    answer
        Any text.
    gap
        A mark that stood between kept words, and does not end a quotation.
    """
    places = defaultdict(list)
    for index, (start, end) in enumerate(kept):
        places[original[start:end].casefold()].append(index)

    marks = occurrences(answer, gap) if gap else []
    said = [
        (start, end)
        for start, end in words(answer).tolist()
        if not any(a <= start and end <= b for a, b in marks)
    ]
    texts = [answer[start:end].casefold() for start, end in said]
    pieces: list[str] = []
    citations: list[Citation] = []
    length = copied = at = 0
    while at < len(said):
        run = _longest_run(texts, at, places, kept, original)
        if run is None:
            at += 1
            continue
        first, count = run
        source = (kept[first][0], kept[first + count - 1][1])
        before = answer[copied : said[at][0]]
        quoted = answer[said[at][0] : said[at + count - 1][1]]
        wording = _restore(quoted, original[slice(*source)])
        citations.append(Citation((length + len(before), length + len(before) + len(wording)),
                                  source, wording))  # fmt: skip
        pieces += [before, wording]
        length += len(before) + len(wording)
        at += count
        copied = said[at - 1][1]
    return Recovered("".join([*pieces, answer[copied:]]), tuple(citations))


def _restore(quoted: str, wording: str) -> str:
    """Return the original's wording if it says more; else leave the answer its capitals."""
    same = [quoted[a:b].casefold() for a, b in words(quoted)] == [
        wording[a:b].casefold() for a, b in words(wording)
    ]
    return quoted if same else wording


def _longest_run(
    texts: list[str],
    at: int,
    places: dict[str, list[int]],
    kept: Sequence[tuple[int, int]],
    original: str,
) -> tuple[int, int] | None:
    """Return (first kept word, number of words) of the best quotation that begins at ``at``."""
    best: tuple[int, int, int] | None = None
    for first in places.get(texts[at], ()):
        count = 1
        while (
            at + count < len(texts)
            and first + count < len(kept)
            and original[slice(*kept[first + count])].casefold() == texts[at + count]
            and kept[first + count][0] - kept[first + count - 1][1] <= MAX_GAP
        ):
            count += 1
        extent = kept[first + count - 1][1] - kept[first][0]
        if best is None or (-count, extent) < (-best[1], best[2]):
            best = (first, count, extent)
    if best is None:
        return None
    first, count, _ = best
    quoted = [texts[at + i] for i in range(count)]
    worth_it = sum(any(c.isalnum() for c in word) for word in quoted) >= 2
    if not worth_it and not any(c.isdigit() for word in quoted for c in word):
        return None
    return first, count
