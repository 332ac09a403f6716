"""The pieces of a prompt, and where they lie in its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import InputError, described
from edgelingua.text.ranges import Spans, as_spans, occurrences
from edgelingua.text.structure import Mode
from edgelingua.text.structure.outline import NO_OUTLINE, Outline

Role = Literal["instruction", "context", "question", "separator"]
"""What a segment is to the reader. A separator stays where something stays on both sides."""

Ranges = tuple[tuple[int, int], ...]
"""Half-open character ranges."""

Pin = str | re.Pattern[str]
"""What is pinned by name: a string, or what a pattern matches."""


@dataclass(frozen=True)
class Segment:
    """A piece of the prompt that is treated as one.

    Parameters
    ----------
    text
        The piece, with any separator that belongs to it.
    role
        What the piece is to the reader.
    compress
        Whether tokens may be dropped. ``None``: contexts are compressed, everything else is kept.
    pinned
        Character ranges ``(start, end)`` of ``text`` that survive byte for byte.
    whole
        Character ranges of ``text`` that are kept whole or dropped whole.
    outline
        Its structure, as `text.structure.outline_of` finds it; `Prompt.build` does.
    rate
        The fraction of this segment's own tokens to keep. Such segments are served first, from the
        budget of the whole prompt; what is left goes to the others.
    floor
        The fraction of this segment's own tokens to keep at least, whatever stands beside it: its
        best words up to there are served before those of segments without one. ``None``: for an
        instruction that is compressed, the budget's own rate or what it would keep beside ordinary
        prose without a question; else there is none. Of an instruction, the best statements are.
    pin
        Texts and compiled patterns: where they occur in ``text``, it is pinned.
    structure
        As in `Prompt.build`, for this segment; ``None``: as is said there.
    """

    text: str
    role: Role = "context"
    compress: bool | None = None
    pinned: Ranges = ()
    whole: Ranges = ()
    outline: Outline = NO_OUTLINE
    rate: float | None = None
    floor: float | None = None
    pin: Pin | tuple[Pin, ...] = ()
    structure: Mode | None = None

    def __post_init__(self) -> None:
        if self.role not in get_args(Role):
            raise InputError(
                f"segment role: expected one of {', '.join(get_args(Role))}; "
                f"got {described(self.role)}"
            )
        for start, end in (*self.pinned, *self.whole):
            if not 0 <= start <= end <= len(self.text):
                raise InputError(
                    f"pinned or whole span ({start}, {end}) is outside its segment of "
                    f"{len(self.text)} characters"
                )
        # Written so that NaN fails too.
        if self.rate is not None and not 0 < self.rate <= 1:
            raise InputError(
                f"a segment's rate of {self.rate}: expected the fraction kept, above 0 and at most "
                "1; compress=False keeps a segment as it is"
            )
        if self.rate is not None and not self.compressible:
            raise InputError("a segment that is not compressed takes no rate")
        if self.floor is not None and not 0 <= self.floor <= 1:
            raise InputError(
                f"a segment's floor of {self.floor}: expected the fraction kept at least, 0 to 1"
            )
        if self.floor is not None and (self.rate is not None or not self.compressible):
            raise InputError("a floor is for a segment that is compressed, and has no rate")
        if self.structure is not None and self.structure not in get_args(Mode):
            raise InputError(
                f"a segment's structure: expected one of {', '.join(get_args(Mode))}; "
                f"got {described(self.structure)}"
            )
        found = set(occurrences_of(self.text, pins_of(self.pin))) - set(self.pinned)
        object.__setattr__(self, "pinned", (*self.pinned, *sorted(found)))

    @property
    def compressible(self) -> bool:
        """Whether tokens of this segment may be dropped."""
        return self.role == "context" if self.compress is None else self.compress


def pins_of(pin: Pin | Iterable[Pin]) -> list[Pin]:
    """Return pins as a list.

    Raises
    ------
    InputError
        One is empty, or neither a text nor a compiled pattern.
    """
    pins = [pin] if isinstance(pin, str | re.Pattern) else list(pin)
    for number, needle in enumerate(pins, start=1):
        if not isinstance(needle, str | re.Pattern) or needle == "":
            raise InputError(
                f"pin {number} of {len(pins)}, {described(needle)}: expected a text or a compiled "
                "pattern"
            )
    return pins


def occurrences_of(text: str, pins: Iterable[Pin]) -> Ranges:
    """Return where pins stand in a text."""
    found: list[tuple[int, int]] = []
    for needle in pins:
        if isinstance(needle, re.Pattern):
            found += [match.span() for match in needle.finditer(text)]
        else:
            found += occurrences(text, needle)
    return tuple(sorted(found))


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the segments of a prompt lie in its text; `Prompt.layout` has it, worked out once.

    Parameters
    ----------
    segments
        All of them, each with the character at which it starts.
    documents
        Those of them that may be compressed and are not blank.
    edges
        Shape ``(S + 1,)``: where each of the ``S`` segments starts, and where the last one ends.
    pinned, whole, records, favoured, noise
        Shape ``(n, 2)``: the character ranges that segments name; see `Outline`.
    frames
        Shape ``(n, 6)``: three ranges each.
    separators
        Shape ``(n, 2)``: the character ranges of separator segments.
    protected
        Shape ``(characters,)``, bool: what must survive. Separators are not, see `Role`.
    """

    segments: tuple[tuple[int, Segment], ...]
    documents: tuple[tuple[int, Segment], ...]
    edges: NDArray[np.int64]
    pinned: Spans
    whole: Spans
    records: Spans
    favoured: Spans
    noise: Spans
    frames: NDArray[np.int64]
    separators: Spans
    protected: NDArray[np.bool_]

    @classmethod
    def of(cls, segments: Sequence[Segment]) -> Layout:
        """Lay out segments whose texts are joined with nothing between them."""
        edges = np.cumsum([0, *(len(segment.text) for segment in segments)], dtype=np.int64)
        placed = tuple(zip(edges[:-1].tolist(), segments, strict=True))

        def moved(name: str) -> Spans:
            return _spans(
                (at + a, at + b) for at, each in placed for a, b in getattr(each.outline, name)
            )

        pinned = np.concatenate(
            [
                _spans((at + a, at + b) for at, each in placed for a, b in each.pinned),
                moved("pinned"),
            ]
        )
        whole = [_spans((at + a, at + b) for at, each in placed for a, b in each.whole)]
        frames = [
            [at + place for some in frame for place in some]
            for at, each in placed
            for frame in each.outline.frames
        ]
        protected = np.zeros(edges[-1], dtype=bool)
        for start, segment in placed:
            if not segment.compressible and segment.role != "separator":
                protected[start : start + len(segment.text)] = True
        for start, end in pinned.tolist():
            protected[start:end] = True
        return cls(
            segments=placed,
            documents=tuple((at, s) for at, s in placed if s.compressible and s.text.strip()),
            edges=_fixed(edges),
            pinned=_fixed(pinned),
            whole=_fixed(np.concatenate([*whole, moved("whole")])),
            records=moved("records"),
            favoured=moved("favoured"),
            noise=moved("noise"),
            frames=_fixed(np.asarray(frames, dtype=np.int64).reshape(-1, 6)),
            separators=_spans((at, at + len(s.text)) for at, s in placed if s.role == "separator"),
            protected=_fixed(protected),
        )

    @property
    def compressible(self) -> tuple[int, int]:
        """Characters from the first document to the end of the last, half-open."""
        last, segment = self.documents[-1]
        return self.documents[0][0], last + len(segment.text)


def _spans(ranges: Iterable[tuple[int, int]]) -> Spans:
    return _fixed(as_spans(ranges))


def _fixed(array: NDArray[Any]) -> NDArray[Any]:
    """Make an array read-only: whoever asks for the layout shares it."""
    array.flags.writeable = False
    return array
