"""What of a text was left out, in the order in which to read it after all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Count
from edgelingua.compressed import Compressed, Reason, join
from edgelingua.prompt import SEPARATOR
from edgelingua.text.boundaries import sentences

LEAD_IN = "[…]\n\n"
"""Stands before what is read later: the text goes on, with something left out, in any language."""
_SHORTEST, _LONGEST = 40, 600
"""Characters of a part: a title is one line, and a text may be one sentence."""
_BREAK = -1
_LEAST = 32
"""Tokens of text that are worth asking again: it takes about as many to do so."""
_PASSED_OVER = 16
"""Parts that do not fit, behind which no others are tried."""


@dataclass(frozen=True, eq=False)
class Part:
    """What was left out of a sentence, or of a record of machine text.

    Parameters
    ----------
    units
        Numbers of its units, ascending.
    text
        They, joined, without blanks at the ends.
    places
        Shape ``(len(text),)``: the character of the prompt's text that each character is; -1 for a
        line break between words that stood in two lines.
    document
        Offset of the document it belongs to.
    score
        What the whole sentence is worth to the compressor, words that were kept included.
    """

    units: NDArray[np.int64]
    text: str
    places: NDArray[np.int64]
    document: int
    score: float


@dataclass(frozen=True, eq=False)
class Further:
    """What is read next: parts in the order of the text, and what joins them.

    Parameters
    ----------
    parts
        The parts.
    text
        `LEAD_IN`, and they.
    places
        Shape ``(len(text),)``: the character of the prompt's text that each character is; -1 where
        it is none.
    """

    parts: tuple[Part, ...]
    text: str
    places: NDArray[np.int64]

    @classmethod
    def of(cls, prompt_text: str, parts: Sequence[Part]) -> Further:
        """Put parts together."""
        ordered = sorted(parts, key=lambda part: int(part.places[0]))
        texts, places = [LEAD_IN], [np.full(len(LEAD_IN), -1, dtype=np.int64)]
        for number, part in enumerate(ordered):
            joint = ""
            if number:
                before = ordered[number - 1]
                between = prompt_text[before.places[-1] + 1 : part.places[0]]
                joint = "\n" if "\n" in between else " "
                if before.document != part.document:
                    joint = SEPARATOR
            texts += [joint, part.text]
            places += [np.full(len(joint), -1, dtype=np.int64), part.places]
        return cls(tuple(ordered), "".join(texts), np.concatenate(places))


@dataclass(frozen=True, eq=False)
class Unread:
    """What of a compressed prompt has not been read.

    Parameters
    ----------
    compressed
        What was read first; its documents with a rate of their own keep to it.
    count
        Counts the reader's tokens.
    parts
        What was left out and not read since, the best first.
    held
        Tokens of the text that was read; the question's are none of them.
    """

    compressed: Compressed
    count: Count
    parts: tuple[Part, ...]
    held: int

    @classmethod
    def of(cls, compressed: Compressed, count: Count) -> Unread:
        """Return what was left out, sentence by sentence.

        A sentence is worth the mean of its words to the compressor, those that were kept included,
        so that what surrounds them comes first.
        """
        parts: list[Part] = []
        for offset, segment in compressed.prompt.layout.documents:
            if segment.rate is None:
                parts += _parts(compressed, offset, segment.text)
        parts.sort(key=lambda part: (-part.score, int(part.places[0])))
        held = compressed.tokens_out - count(SEPARATOR + compressed.prompt.question)
        return cls(compressed, count, tuple(parts), max(0, held))

    def further(self, growth: float, room: int) -> tuple[Further, Unread] | None:
        """Return what to read next, and what is left then; ``None`` where nothing fits.

        Parameters
        ----------
        growth
            What the text that was read is to be multiplied with.
        room
            Most tokens of what is read next, and of the question behind it. A part that does not
            fit is passed over.
        """
        count, behind = self.count, SEPARATOR + self.compressed.prompt.question
        spare = room - count(behind)
        wanted = min(spare, max(_LEAST, math.ceil((growth - 1) * self.held)))
        chosen: list[int] = []
        tokens, passed = count(LEAD_IN), 0
        for number, part in enumerate(self.parts):
            if tokens >= wanted or passed > _PASSED_OVER:
                break
            if tokens + (own := count(part.text)) <= spare:
                chosen.append(number)
                tokens += own
            else:
                passed += 1
        while chosen:
            next_one = Further.of(
                self.compressed.prompt.text, [self.parts[number] for number in chosen]
            )
            if count(next_one.text + behind) <= room:  # joints have tokens too
                taken = set(chosen)
                left = tuple(p for number, p in enumerate(self.parts) if number not in taken)
                held = self.held + count(next_one.text)
                return next_one, replace(self, parts=left, held=held)
            chosen.pop()
        return None


def _parts(compressed: Compressed, offset: int, text: str) -> Iterator[Part]:
    starts, ends = compressed.units.T
    first, last = np.searchsorted(starts, [offset, offset + len(text)]).tolist()
    blank = np.fromiter(map(str.isspace, text), dtype=bool, count=len(text))
    solid = np.append(np.flatnonzero(~blank), len(text))
    # Units stand with the white space before them: what follows it says where they belong.
    begins = solid[np.searchsorted(solid, starts[first:last] - offset)]
    records = compressed.prompt.layout.records
    inside = (records[:, 0] >= offset) & (records[:, 0] < offset + len(text))
    edges = np.union1d(sentences(text)[:, 0], records[inside].reshape(-1) - offset)
    sentence = np.searchsorted(edges, begins, "right") - 1
    heads = np.flatnonzero(np.diff(sentence, prepend=-1) != 0)
    changes, at = list[int](), 0
    for head in heads.tolist():  # a title goes with what it is the title of
        if not changes or begins[head] - at >= _SHORTEST:
            changes.append(head)
            at = int(begins[head])
    number = np.searchsorted(changes, np.arange(last - first), "right")
    start = begins[np.asarray(changes, dtype=np.int64)][number - 1] if changes else begins
    piece = (begins - start) // _LONGEST
    cuts = np.flatnonzero((np.diff(number) != 0) | (np.diff(piece) != 0)) + 1
    scores = compressed.scores[first:last]
    dropped = compressed.reasons[first:last] == Reason.DROPPED
    for units in np.split(np.arange(last - first), cuts):
        missing = units[dropped[units]]
        places: list[int] = []
        for start, end in zip(starts[missing + first], ends[missing + first], strict=True):
            if places and "\n" in text[places[-1] + 1 - offset : start - offset]:
                places.append(_BREAK)  # it was read with what stood there
            places += range(start, end)
        raw = "".join("\n" if at == _BREAK else text[at - offset] for at in places)
        own = raw.strip()
        if not any(map(str.isalnum, own)):
            continue
        lead = len(raw) - len(raw.lstrip())
        real = scores[units][np.isfinite(scores[units])]
        yield Part(
            units=missing + first,
            text=own,
            places=np.asarray(places[lead : lead + len(own)], dtype=np.int64),
            document=offset,
            score=float(real.mean()) if len(real) else -np.inf,
        )


def with_further(compressed: Compressed, furthers: Sequence[Further], count: Count) -> Compressed:
    """Return what was read in all: ``compressed`` and what followed, in the order of the text."""
    units = [part.units for further in furthers for part in further.parts]
    if not units:
        return compressed
    reasons = compressed.reasons.copy()
    reasons[np.concatenate(units)] = Reason.KEPT
    starts, ends = compressed.units.T
    edges = compressed.prompt.layout.edges.tolist()
    for number, (_, segment) in enumerate(compressed.prompt.layout.segments[:-1]):
        at, behind, end = np.searchsorted(starts, edges[number : number + 3]).tolist()
        if segment.role == "separator" and (reasons[behind:end] != Reason.DROPPED).any():
            reasons[at:behind] |= (reasons[:at] != Reason.DROPPED).any()
    kept = np.concatenate([[False], reasons != Reason.DROPPED, [False]])
    change = np.diff(kept.astype(np.int8))
    first, last = np.flatnonzero(change == 1), np.flatnonzero(change == -1) - 1
    spans = np.stack([starts[first], ends[last]], axis=1)
    gaps = compressed.gaps[np.isin(compressed.gaps, spans[:, 0])]
    whole = join(compressed.prompt.text, spans, compressed.gap, gaps, compressed.breaks)
    tokens = count(whole)
    limit = max(compressed.limit, tokens)
    return replace(
        compressed, spans=spans, reasons=reasons, gaps=gaps, tokens_out=tokens, limit=limit
    )
