"""What comes in: an ordered list of segments, and which characters must survive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from edgelingua.budget import Count
from edgelingua.errors import InputError, described
from edgelingua.segments import Layout, Pin, Ranges, Role, Segment, occurrences_of, pins_of
from edgelingua.text.encodings import refuse_surrogates
from edgelingua.text.structure import Mode, outline_of

__all__ = ["MAX_CHARACTERS", "SEPARATOR", "Pin", "Prompt", "Ranges", "Role", "Segment"]

MAX_CHARACTERS = 5_000_000
"""Longest prompt accepted, in characters: some 1.2 million tokens, hours of work for a laptop."""

SEPARATOR = "\n\n"


@dataclass(frozen=True)
class Prompt:
    """The whole input: segments whose texts, joined with nothing between them, are `text`.

    Raises
    ------
    InputError
        The text is blank, holds NUL bytes or lone surrogates (binary or wrongly decoded input),
        or is longer than `MAX_CHARACTERS`.
    """

    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        text = self.text
        if not any(s.compressible and s.text.strip() for s in self.segments):
            if text.strip() and not any(s.compressible for s in self.segments):
                raise InputError("nothing to compress: no segment may be compressed")
            raise InputError("nothing to compress: the text is empty or blank")
        if len(text) > MAX_CHARACTERS:
            raise InputError(
                f"the text has {len(text):,} characters; at most {MAX_CHARACTERS:,} are accepted: "
                "split it and compress the parts"
            )
        if (at := text.find("\0")) >= 0:
            raise InputError(
                f"binary input: NUL at character {at}; expected text in UTF-8 (UTF-16 that was not "
                "decoded as such has many)"
            )
        refuse_surrogates(text)

    @classmethod
    def build(
        cls,
        context: str | Segment | Sequence[str | Segment],
        *,
        instruction: str = "",
        question: str = "",
        pin: Pin | Iterable[Pin] = (),
        structure: Mode = "compress",
    ) -> Prompt:
        r"""Lay out the usual prompt: instruction, context(s), question, with blank lines between.

        Parameters
        ----------
        context
            One text or several; only these are compressed. A `Segment` brings its own rate, pins
            and structure. Blank ones among several are left out.
        instruction, question
            Kept byte for byte. The question also guides the compressors that can use one.
        pin
            Strings or compiled patterns; every occurrence in the contexts survives byte for byte.
            ``re.compile(r"\d")`` keeps all numbers: a word is pinned whole where a part of it is.
        structure
            What becomes of machine text in the contexts (code, JSON, tables, logs, diffs, markup
            and so on): with ``"compress"`` lines, rows and elements go whole, so that what is left
            is still what it was; ``"pin"`` keeps blocks byte for byte, and a budget too small for
            them is refused; ``"off"`` reads all as prose.

        Raises
        ------
        InputError
            As the class, or a string of ``pin`` occurs in no context (a pattern need not).
        """
        contexts = [
            text if isinstance(text, Segment) else Segment(text)
            for text in ([context] if isinstance(context, str | Segment) else context)
        ]
        pins = pins_of(pin)
        for number, needle in enumerate(pins, start=1):
            if isinstance(needle, str) and not any(needle in s.text for s in contexts):
                raise InputError(
                    f"pin {number} of {len(pins)}, {described(needle)}: does not occur in the "
                    "context as it is written"
                )
        pieces = [Segment(instruction, "instruction")] if instruction else []
        for segment in [s for s in contexts if s.text.strip()] or contexts[:1]:
            pinned = (*segment.pinned, *occurrences_of(segment.text, pins))
            outline = outline_of(segment.text, segment.structure or structure)
            pieces.append(replace(segment, pinned=pinned, outline=outline))
        pieces += [Segment(question, "question")] if question else []
        segments: list[Segment] = []
        for piece in pieces:
            if segments:
                # Before a document it may go with it; the question stays apart from what is left.
                role: Role = "separator" if piece.role == "context" else piece.role
                segments.append(Segment(SEPARATOR, role, compress=False))
            segments.append(piece)
        return cls(tuple(segments))

    @cached_property
    def text(self) -> str:
        """All segments, joined."""
        return "".join(s.text for s in self.segments)

    @cached_property
    def layout(self) -> Layout:
        """Where the segments lie in `text`."""
        return Layout.of(self.segments)

    @property
    def question(self) -> str:
        """The question segments, joined; empty when there are none."""
        return "".join(s.text for s in self.segments if s.role == "question").strip()

    def reordered(self, order: Sequence[int]) -> Prompt:
        """Put the compressible segments that are not blank into another order.

        Parameters
        ----------
        order
            A permutation: the place in the text ``i`` goes to segment ``order[i]`` of them.
        """
        places = [i for i, s in enumerate(self.segments) if s.compressible and s.text.strip()]
        segments = list(self.segments)
        for place, index in zip(places, order, strict=True):
            segments[place] = self.segments[places[index]]
        return Prompt(tuple(segments))


def without_question(count: Count, question: str) -> Count:
    """Return a count of what stands before the question that ends a prompt of `Prompt.build`."""
    tail = SEPARATOR + question if question else ""
    return lambda text: count(text.removesuffix(tail))
