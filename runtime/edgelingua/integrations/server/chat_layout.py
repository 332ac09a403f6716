"""Messages of any number and length, laid out so that they fit a cache of fixed size.

What fits is laid out as it came. What does not: the system prompt, the last question and the most
recent turns stay; all the rest is compressed in the light of that question and stands before it, as
excerpts. Then half of the room is free again, and what is said next is laid out behind it, until
that is full too: so most requests begin with all of the one before, and a cache has read that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from edgelingua.compressors import Compressor
from edgelingua.errors import BudgetError
from edgelingua.integrations.server.alternation import alternating
from edgelingua.integrations.server.continuing import Continuing
from edgelingua.integrations.server.excerpts import labels
from edgelingua.integrations.server.fitting import Fitting
from edgelingua.integrations.server.laid import Laid, cells_of, pinned_ranges
from edgelingua.integrations.server.messages import Message
from edgelingua.integrations.server.plan import plan
from edgelingua.integrations.server.shown import Memory, Shown
from edgelingua.integrations.server.sizes import Sizes
from edgelingua.integrations.server.talk import Talk
from edgelingua.integrations.server.tool_form import ToolForm
from edgelingua.integrations.server.tools import Tools
from edgelingua.llama.model import LlamaModel
from edgelingua.prompt import SEPARATOR
from edgelingua.scores import Progress

Told = Sequence[Mapping[str, Any]]
"""Definitions of tools that the template writes."""


@dataclass(frozen=True)
class ChatLayout:
    """Lays out chats for a reader.

    Parameters
    ----------
    reader, compressor
        Read and compress.
    cap
        Most tokens in the cache.
    memory
        What was laid out before. A chat that goes on is laid out as before, with what is new behind
        it, as long as that fits; so a cache has most of it.
    """

    reader: LlamaModel
    compressor: Compressor
    cap: int
    memory: Memory = field(default_factory=Memory)

    @cached_property
    def fitting(self) -> Fitting:
        """Compresses."""
        return Fitting(self.reader, self.compressor)

    @cached_property
    def sizes(self) -> Sizes:
        """Counts messages."""
        return Sizes(self.reader)

    @cached_property
    def form(self) -> ToolForm:
        """How the reader is told of tools."""
        return ToolForm.of(self.reader, alternates=self.sizes.alternates)

    def lay_out(
        self,
        messages: Sequence[Message],
        room: int,
        pins: Sequence[str] = (),
        progress: Progress | None = None,
        tools: Tools | None = None,
    ) -> Laid:
        """Lay out messages within ``room`` tokens, or more where what must stay takes more.

        Parameters
        ----------
        messages, pins
            What was said, and what of it must survive.
        room
            Tokens that the cap leaves beside the answer.
        progress
            Called while texts are compressed; what it raises ends the work.
        tools
            What may be called; their definitions stay, as the system prompt does.

        Raises
        ------
        ReaderError
            The model's chat template does not take these messages.
        BudgetError
            What is pinned exceeds the cap.
        """
        messages = self.form.messages(messages)
        if self.sizes.alternates:
            messages = alternating(messages)
        talk = Talk.of(messages)
        talk = replace(talk, system=self.form.system(talk.system, tools, SEPARATOR))
        told = self.form.for_template(tools)
        said = [message for message in messages if message.role != "system"]
        opening = self.sizes.opening(talk.system, told)
        before = opening + self.sizes.of(said)
        if talk.asked is None or before <= room:
            stays = {m.number: [(0, len(m.content))] for m in said if m is talk.asked}
            return self._laid(talk.system, told, Shown(tuple(said), stays), pins)
        keys = self.memory.keys([talk.system, json.dumps(told), *pins], said)
        continuing = Continuing(self.fitting, self.sizes, room - opening, pins, progress)
        if found := self.memory.find(keys):
            with suppress(BudgetError):  # of pins in what is new
                if shown := continuing.go_on(found[0], said, found[1], talk.asked):
                    laid = self._laid(talk.system, told, shown, pins)
                    if len(laid.tokens) <= room and laid.pinned.sum() <= self.cap * 5 // 8:
                        self.memory.keep(keys[-1], shown)
                        return replace(laid, before=before)
        opening += self.sizes.frame
        target = room
        if talk.turns or talk.steps:  # it will go on, and what follows is to fit behind it
            target -= max(0, room - opening) // 2
        planned = plan(talk, talk.asked, self.sizes, opening, self.cap, target)
        try:
            shown = self.fitting.fit(planned, planned.left, pins, progress)
        except BudgetError as error:
            if error.needed is None or error.needed >= self.cap:
                raise
            # Pins may take of the answer's room: a cache that is full evicts what is not pinned.
            needed = error.needed + labels(planned.old, self.reader.count)
            shown = self.fitting.fit(planned, needed, pins, progress)
        self.memory.keep(keys[-1], shown)
        return replace(self._laid(talk.system, told, shown, pins), before=before)

    def _laid(
        self,
        system: str,
        told: Told,
        shown: Shown,
        pins: Sequence[str],
    ) -> Laid:
        """Lay out what is shown; of contents, what must stay and ``pins`` stay in the cache."""
        said = shown.said
        head = [("system", system)] if system else []
        calls = {
            number: [call.for_template for call in message.calls]
            for number, message in enumerate(said, start=len(head))
            if message.calls
        }
        parts = self.reader.chat([*head, *((m.role, m.content) for m in said)], told, calls)
        frame, begun, opening = self.sizes.frame, False, 0
        masks = []
        for part in parts:
            at = None if part.source is None else part.source - len(head)
            if at is None or at < 0:  # the template, tools and the system prompt
                mask = np.ones(len(part.tokens), dtype=bool)
                if begun:  # of calls, which the template writes too, only what is around them
                    mask[2 * frame : -2 * frame] = False
                opening += 0 if begun else len(mask)
                masks.append(mask)
                continue
            begun = True
            text = said[at].content
            ranges = [*shown.stays.get(said[at].number, ()), *pinned_ranges(text, pins)]
            masks.append(cells_of(self.reader, text, part.tokens, ranges))
        tokens = np.concatenate([part.tokens for part in parts])
        return Laid(tokens, np.concatenate(masks), len(tokens), shown.changes, opening=opening)
