"""What comes out: which slices of the prompt were kept, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgelingua.prompt import Prompt
from edgelingua.scores import Unit
from edgelingua.text.ranges import Spans

if TYPE_CHECKING:
    from edgelingua.recovery import Recovered


class Reason(IntEnum):
    """Why a unit of the prompt stayed or went."""

    DROPPED = 0
    KEPT = 1
    PROTECTED = 2


@dataclass(frozen=True)
class Row:
    """One unit of the prompt: its characters, its text, its score (NaN: protected), its fate."""

    start: int
    end: int
    text: str
    score: float
    reason: str


@dataclass(frozen=True, eq=False)
class Compressed:
    """A compressed prompt: a concatenation of slices of the original, in their order.

    Between them stands nothing else, or the mark that was asked for (``gap`` of `Rules`). A blank
    before words that stay without their clause becomes a line break: they run into no other.

    Parameters
    ----------
    prompt
        The original.
    spans
        Shape ``(K, 2)``: the kept character ranges of ``prompt.text``; ascending, never touching.
    tokens_in, tokens_out, limit
        Tokens of the original, of `text`, and the most that the budget allowed.
    units
        Shape ``(U, 2)``: the pieces that were kept or dropped whole; they tile ``prompt.text``.
    scores
        Shape ``(U,)``, float32, higher = keep; NaN where a unit was protected, infinite where it is
        a negation or number of a sentence of which a part was.
    reasons
        Shape ``(U,)``: a `Reason` each.
    score_unit
        What the scores measure, see `TokenScores`.
    gap
        The mark that stands where words of a sentence were left out; no part of `spans`.
    gaps
        Shape ``(G,)``: where in ``prompt.text`` the slices begin that it stands before.
    breaks
        Shape ``(B,)``: which kept blanks of ``prompt.text`` are line breaks in `text`, ascending.
    model
        The bundle whose scores chose, or the method that needs none; empty: not known.
    """

    prompt: Prompt
    spans: Spans
    tokens_in: int
    tokens_out: int
    limit: int
    units: Spans
    scores: NDArray[np.float32]
    reasons: NDArray[np.int8]
    score_unit: Unit
    gap: str = ""
    gaps: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    breaks: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    model: str = ""

    @property
    def text(self) -> str:
        """The compressed prompt."""
        return join(self.prompt.text, self.spans, self.gap, self.gaps, self.breaks)

    @property
    def rate(self) -> float:
        """The fraction of tokens kept."""
        return self.tokens_out / max(1, self.tokens_in)

    def segment_texts(self) -> list[str]:
        """Return the compressed text of each segment of the prompt; joined, they are `text`."""
        return [
            self.between(start, start + len(segment.text))
            for start, segment in self.prompt.layout.segments
        ]

    def between(self, start: int, end: int) -> str:
        """Return what is left of the characters from ``start`` up to ``end`` of the prompt."""
        gaps, breaks = (at[(at >= start) & (at < end)] for at in (self.gaps, self.breaks))
        spans = np.clip(self.spans, start, end) - start
        return join(self.prompt.text[start:end], spans, self.gap, gaps - start, breaks - start)

    def segment_spans(self) -> list[Spans]:
        """Return what is kept of each segment: character ranges of its own text, ``(K, 2)``."""
        edges = self.prompt.layout.edges
        first = np.searchsorted(self.spans[:, 1], edges[:-1], side="right").tolist()
        last = np.searchsorted(self.spans[:, 0], edges[1:], side="left").tolist()
        return [
            np.clip(self.spans[a : max(a, b)], start, end) - start
            for a, b, start, end in zip(
                first, last, edges[:-1].tolist(), edges[1:].tolist(), strict=True
            )
        ]

    def recover(self, answer: str) -> Recovered:
        """Restore the original wording of what ``answer`` quotes, with its sources.

        The question and the instruction are not quoted from. See `recovery.requote` for what a
        quotation is.
        """
        from edgelingua.recovery import requote

        return requote(self.prompt.text, self._kept_words(), answer, self.gap)

    def explain(self) -> list[Row]:
        """Return one row per unit, in the order of the text: what became of it, and its score.

        `explain.page` shows them.
        """
        text = self.prompt.text
        return [
            Row(start, end, text[start:end], float(score), Reason(reason).name.lower())
            for (start, end), score, reason in zip(
                self.units.tolist(), self.scores, self.reasons.tolist(), strict=True
            )
        ]

    def _kept_words(self) -> list[tuple[int, int]]:
        """Words of the compressed contexts, as character ranges of the original."""
        from edgelingua.text.boundaries import words

        found = []
        for offset, segment in self.prompt.layout.segments:
            if segment.role != "context":
                continue
            for start, end in self.spans.tolist():
                low, high = max(start, offset), min(end, offset + len(segment.text))
                if low < high:
                    inside = words(self.prompt.text[low:high]) + low
                    found += [(int(a), int(b)) for a, b in inside]
        return found


def join(
    text: str,
    spans: Spans,
    gap: str = "",
    gaps: NDArray[np.int64] | Sequence[int] = (),
    breaks: NDArray[np.int64] | Sequence[int] = (),
) -> str:
    """Concatenate the character ranges ``spans`` ``(K, 2)`` of ``text``.

    The mark ``gap`` stands before those that begin at one of ``gaps``: a word by itself, where
    there are blanks between words. The characters at ``breaks`` are line breaks.
    """
    text = broken(text, breaks)
    if not len(gaps):
        return "".join([text[start:end] for start, end in spans.tolist()])
    marked = set(np.asarray(gaps).tolist())
    pieces = []
    for start, end in spans.tolist():
        if start in marked and end > start:
            pieces.append(mark(text, start, gap))
        pieces.append(text[start:end])
    return "".join(pieces)


def broken(text: str, breaks: NDArray[np.int64] | Sequence[int]) -> str:
    """Return ``text`` with line breaks in the place of the characters at ``breaks``, ascending."""
    if not len(breaks):
        return text
    edges = [-1, *np.asarray(breaks).tolist(), len(text)]
    return "\n".join([text[a + 1 : b] for a, b in pairwise(edges)])


def mark(text: str, at: int, gap: str) -> str:
    """Return the mark ``gap`` as it stands before what is kept from ``at`` on: as a word."""
    follows = text[at]
    apart = follows.isspace() or (follows.isascii() and not follows.isalnum())
    return f" {gap}" if apart else gap
