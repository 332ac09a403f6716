"""A talk that goes on: what was laid out before stays as it is, and what is new follows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgelingua.integrations.server.excerpts import excerpts, labels
from edgelingua.integrations.server.fitting import Fitting, asking
from edgelingua.integrations.server.laid import Change, Ranges
from edgelingua.integrations.server.lookup import lookup
from edgelingua.integrations.server.messages import Message
from edgelingua.integrations.server.question import Asked, split
from edgelingua.integrations.server.shown import Shown
from edgelingua.integrations.server.sizes import Sizes
from edgelingua.integrations.server.tool_form import flat
from edgelingua.scores import Progress

_LEAST = 32
"""Tokens of a new message, or of what is looked up for it, that are always worth a try."""


@dataclass(frozen=True)
class Continuing:
    """Lays out what is new.

    Parameters
    ----------
    fitting, sizes
        Compress and count.
    room
        Tokens for all messages.
    pins
        What must survive.
    progress
        Called while texts are compressed; what it raises ends the work.
    """

    fitting: Fitting
    sizes: Sizes
    room: int
    pins: Sequence[str]
    progress: Progress | None

    def go_on(
        self, shown: Shown, said: Sequence[Message], known: int, asked: Message
    ) -> Shown | None:
        """Return what is shown of a talk, or ``None`` where it does not fit behind what was shown.

        New messages of more than a fifth of the room are compressed. Before a new question stands
        what passages of the messages before have to do with it, where they are not shown.

        Parameters
        ----------
        shown, known
            What was shown of the first so many messages.
        said, asked
            All messages, and the one that asks.
        """
        left = self.room - self.sizes.of(shown.said)
        most = max(_LEAST, self.room // 5)
        new: list[Message] = []
        changes = list(shown.changes)
        stays = {n: ranges for n, ranges in shown.stays.items() if n == asked.number}
        for message in said[known:]:
            if left < self.sizes.frame:
                return None
            if message is asked:
                one, stays[message.number], change = self._asked(shown, said[:known], message, most)
            else:
                one, change = self._other(message, asked, most)
            left -= self.sizes.of([one])
            new.append(one)
            changes += [change] if change.after != change.before else []
        if left < 0 or not stays:
            return None
        return Shown((*shown.said, *new), stays, tuple(changes))

    def _asked(
        self, shown: Shown, before: Sequence[Message], message: Message, most: int
    ) -> tuple[Message, Ranges, Change]:
        count = self.fitting.reader.count
        question, document = Asked("", "", message.content), ""
        if count(message.content) > most:
            question = split(message.content, max(16, most // 2), count)
            (document,) = self._cut(question.document, question.question, most - most // 2)
        whole = {one.number for one in shown.said if one in before}
        gone = [flat(one) for one in before if one.number not in whole]
        seen = "\n".join(one.content for one in shown.said)
        room = max(_LEAST, self.room // 16)
        found = lookup(
            [one.content for one in gone],
            question.question,
            room - min(labels(gone[:2], count), room // 2),
            count=count,
            seen=seen,
        )
        told, _ = excerpts(gone, found, room, (), count)
        content, stays = asking(question, told, document)
        asked, _ = asking(question, "", document)
        change = Change(message.number, count(message.content), count(asked))
        return replace(message, content=content), stays, change

    def _other(self, message: Message, asked: Message, most: int) -> tuple[Message, Change]:
        count = self.fitting.reader.count
        before = self.sizes.of([message]) - self.sizes.frame
        if before <= most:
            return message, Change(message.number, before, before)
        whole = flat(message)
        (left,) = self._cut(whole.content, asked.content, most)
        return replace(whole, content=left), Change(message.number, before, count(left))

    def _cut(self, text: str, question: str, tokens: int) -> list[str]:
        return self.fitting.pressed([text], question, tokens, self.pins, self.progress)
