"""A text of any length that is to be continued, laid out so that it fits a cache of fixed size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgelingua.compressors import Compressor
from edgelingua.errors import InputError
from edgelingua.integrations.server.laid import Change, Laid, cells_of, pinned_ranges
from edgelingua.integrations.server.pressing import press
from edgelingua.integrations.server.question import last_fitting
from edgelingua.llama.model import LlamaModel
from edgelingua.prompt import SEPARATOR
from edgelingua.scores import Progress

_QUESTION = 64
"""Tokens at the end of a text that guide the compression of what stands before it."""


@dataclass(frozen=True)
class TextLayout:
    """Lays out texts for a reader; see `ChatLayout`."""

    reader: LlamaModel
    compressor: Compressor

    def lay_out(
        self,
        text: str,
        room: int,
        pins: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> Laid:
        """Lay out a text within ``room`` tokens: its end as it is, what is before it compressed.

        The end takes half of the room: where a text is to be continued, nothing is worth more than
        its last words.

        Raises
        ------
        InputError
            There is nothing to continue.
        BudgetError
            What is pinned exceeds the room.
        """
        count = self.reader.count
        tokens = self.reader.tokenize(text, begin=True)
        if not len(tokens):
            raise InputError("the prompt is empty: there is nothing to continue")
        before = len(tokens)
        if before <= room:
            own = cells_of(self.reader, text, tokens, pinned_ranges(text, pins))
            return Laid(tokens, own, before)
        at = last_fitting(text, room // 2, count)
        end = text[at:]
        (left,) = press(
            self.compressor,
            [text[:at]],
            end[last_fitting(end, _QUESTION, count) :].strip(),
            room - room // 2,
            count=count,
            pins=pins,
            progress=progress,
        )
        short = left + SEPARATOR * bool(left) + end
        tokens = self.reader.tokenize(short, begin=True)
        stays = [(len(short) - len(end), len(short)), *pinned_ranges(short, pins)]
        change = Change(0, before, len(tokens))
        return Laid(tokens, cells_of(self.reader, short, tokens, stays), before, (change,))
