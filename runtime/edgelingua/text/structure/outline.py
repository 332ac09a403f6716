"""What a text with a structure is made of: records that are decided whole, and what frames them."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgelingua.text.ranges import Range

LONGEST_RECORD = 240
"""Characters; what is longer is cut: an element into its members, a line into its words."""

Frame = tuple[Range, Range, Range]
"""Characters, and two ranges: the characters stay as long as something of both ranges stays."""


@dataclass(frozen=True)
class Outline:
    """What of a text is more than prose: ranges of its characters, half-open, ascending.

    Parameters
    ----------
    pinned
        Must survive.
    whole
        Kept or dropped whole.
    records
        Ranked against each other by `selection.worth`: lines, rows, elements. Most are ``whole``.
    frames
        Brackets, keys, commas, headers, line breaks: they stay with what they frame. One that is a
        record too (the line above indented ones) can also be chosen for itself.
    favoured
        Records that matter more than others of their kind: lines that a diff changes.
    noise
        Escape codes, base64: they go first.
    """

    pinned: tuple[Range, ...] = ()
    whole: tuple[Range, ...] = ()
    records: tuple[Range, ...] = ()
    frames: tuple[Frame, ...] = ()
    favoured: tuple[Range, ...] = ()
    noise: tuple[Range, ...] = ()


NO_OUTLINE = Outline()
"""Of prose."""


@dataclass
class Sketch:
    """An outline in the making."""

    pinned: list[Range] = field(default_factory=list)
    whole: list[Range] = field(default_factory=list)
    records: list[Range] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    favoured: list[Range] = field(default_factory=list)
    noise: list[Range] = field(default_factory=list)

    def record(self, start: int, end: int) -> None:
        """Add what is ranked and decided whole."""
        if start < end:
            self.records.append((start, end))
            self.whole.append((start, end))

    def loose(self, start: int, end: int) -> None:
        """Add what is ranked as one, and may be cut inside."""
        if start < end:
            self.records.append((start, end))

    def frame(self, start: int, end: int, within: Range, after: Range | None = None) -> None:
        """Add what stays with something of ``within``, and of ``after`` where it is given."""
        if start < end:
            self.frames.append(((start, end), within, after or within))
            if not self.whole or self.whole[-1] != (start, end):
                self.whole.append((start, end))

    def done(self) -> Outline:
        """Return the outline."""
        return Outline(
            tuple(sorted(self.pinned)),
            tuple(sorted(self.whole)),
            tuple(sorted(self.records)),
            tuple(sorted(self.frames)),
            tuple(sorted(self.favoured)),
            tuple(sorted(self.noise)),
        )
