"""Messages of any number and length, laid out so that they fit a cache of fixed size.

What fits is laid out as it came. What does not: the system prompt, the last question and the most
recent turns stay; all the rest is compressed in the light of that question and stands before it, as
excerpts. They come that late so that a cache that has read what stands before them stays valid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from edgelingua.compressors import Compressor
from edgelingua.errors import BudgetError
from edgelingua.integrations.server.alternation import alternating
from edgelingua.integrations.server.excerpts import excerpts, labels
from edgelingua.integrations.server.laid import Change, Laid, Ranges, cells_of, pinned_ranges
from edgelingua.integrations.server.messages import Message
from edgelingua.integrations.server.plan import Plan, plan
from edgelingua.integrations.server.pressing import press
from edgelingua.integrations.server.sizes import Sizes
from edgelingua.integrations.server.talk import Talk
from edgelingua.integrations.server.tool_form import ToolForm, flat
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
    """

    reader: LlamaModel
    compressor: Compressor
    cap: int

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
            return self._laid(talk.system, told, said, stays, pins)
        opening += self.sizes.frame
        planned = plan(talk, talk.asked, self.sizes, opening, self.cap, room)
        try:
            laid = self._fitted(planned, told, planned.left, pins, progress)
        except BudgetError as error:
            if error.needed is None or error.needed >= self.cap:
                raise
            # Pins may take of the answer's room: a cache that is full evicts what is not pinned.
            laid = self._fitted(planned, told, error.needed, pins, progress)
        return replace(laid, before=before)

    def _fitted(
        self,
        planned: Plan,
        told: Told,
        tokens: int,
        pins: Sequence[str],
        progress: Progress | None,
    ) -> Laid:
        """Compress what the plan says to ``tokens``, and lay out all of it."""
        count, question = self.reader.count, planned.question
        cut = [flat(message) for message in (*planned.old, *planned.long)]
        names = min(labels(planned.old, count), tokens // 4) if planned.old else 0
        *texts, document = press(
            self.compressor,
            [*(message.content for message in cut), question.document],
            question.question,
            tokens - names,
            count=count,
            pins=pins,
            progress=progress,
        )
        old, inside = texts[: len(planned.old)], texts[len(planned.old) :]
        room = tokens - count("".join([*inside, document]))
        before, old = excerpts(planned.old, old, room, pins, count)
        opening = before + SEPARATOR * bool(before)
        closing = SEPARATOR * bool(document and question.after) + question.after
        content = opening + question.before + document + closing
        contents = dict(zip((m.number for m in cut), [*old, *inside], strict=True))
        said = [
            *planned.recent,
            replace(planned.asked, content=content),
            *(
                replace(m, content=contents[m.number], calls=()) if m.number in contents else m
                for m in planned.last
            ),
        ]
        stays = [
            (len(opening), len(opening) + len(question.before)),
            (len(content) - len(question.after), len(content)),
        ]
        laid = self._laid(planned.system, told, said, {planned.asked.number: stays}, pins)
        changes = [Change(m.number, count(m.content), count(contents[m.number])) for m in cut]
        if question.document:
            asked = question.before + document + closing
            number = planned.asked.number
            changes.append(Change(number, count(planned.asked.content), count(asked)))
        changes = [change for change in changes if change.after != change.before]
        return replace(laid, changes=tuple(sorted(changes, key=lambda change: change.message)))

    def _laid(
        self,
        system: str,
        told: Told,
        said: Sequence[Message],
        stays: Mapping[int, Ranges],
        pins: Sequence[str],
    ) -> Laid:
        """Lay out messages; of contents, ``stays`` by number and ``pins`` stay in the cache."""
        head = [("system", system)] if system else []
        calls = {
            number: [call.for_template for call in message.calls]
            for number, message in enumerate(said, start=len(head))
            if message.calls
        }
        parts = self.reader.chat([*head, *((m.role, m.content) for m in said)], told, calls)
        frame, begun = self.sizes.frame, False
        masks = []
        for part in parts:
            at = None if part.source is None else part.source - len(head)
            if at is None or at < 0:  # the template, tools and the system prompt
                mask = np.ones(len(part.tokens), dtype=bool)
                if begun:  # of calls, which the template writes too, only what is around them
                    mask[2 * frame : -2 * frame] = False
                masks.append(mask)
                continue
            begun = True
            text = said[at].content
            ranges = [*stays.get(said[at].number, ()), *pinned_ranges(text, pins)]
            masks.append(cells_of(self.reader, text, part.tokens, ranges))
        tokens = np.concatenate([part.tokens for part in parts])
        return Laid(tokens, np.concatenate(masks), len(tokens))
