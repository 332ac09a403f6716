"""What of a talk that is too long stays as it is, and what has to be compressed."""

from __future__ import annotations

from dataclasses import dataclass

from edgelingua.integrations.server import window
from edgelingua.integrations.server.messages import Message
from edgelingua.integrations.server.question import Asked, split
from edgelingua.integrations.server.sizes import Sizes
from edgelingua.integrations.server.talk import Talk

SHORT = 64
"""Tokens of a question that is never cut, however little room there is; an eighth of the cap."""


@dataclass(frozen=True)
class Plan:
    """What becomes of each part of a talk.

    The ``system`` prompt and the ``recent`` turns stay as they are; ``old`` messages become
    excerpts, and stand in the message that asks, ``asked``: of that, ``question`` says what may be
    cut. ``last`` are the messages that follow it, of which ``long`` are cut where they stand.
    ``left`` is the tokens that are left for all that is compressed.
    """

    system: str
    old: tuple[Message, ...]
    recent: tuple[Message, ...]
    asked: Message
    question: Asked
    last: tuple[Message, ...]
    long: tuple[Message, ...]
    left: int


def plan(talk: Talk, asked: Message, sizes: Sizes, opening: int, cap: int, room: int) -> Plan:
    """Plan a talk.

    Parameters
    ----------
    talk, asked
        All of it, and the message that asks.
    sizes
        Counts its tokens.
    opening
        Tokens of the system prompt, of tools, and of what the template puts around a message.
    cap, room
        Most tokens in the cache, and how many of them the answer leaves to the prompt.
    """
    count = sizes.reader.count
    # A long system prompt may take of the answer's room: a cache that is full evicts.
    free = max(room - opening, (cap - opening) // 2)
    # Policies keep up to a quarter of a full cache for what came last.
    stays = cap * 5 // 8 - opening
    question = Asked("", "", asked.content)
    if count(asked.content) > max(min(SHORT, cap // 8), min(stays, free * 3 // 4)):
        question = split(asked.content, max(16, min(stays // 2, free // 4)), count)
    free = max(0, free - count(question.before) - count(question.after))

    steps = [sizes.of(step) for step in talk.steps]
    at = len(steps)
    while at and sum(steps[at - 1 :]) <= free // 2:
        at -= 1
    skipped = [message for step in talk.steps[:at] for message in step]
    last = [message for step in talk.steps[at:] for message in step]
    long: list[Message] = []
    if steps and not last:  # the last step alone is too long: its end is cut where it stands
        most = max(2, free // 2 // (2 * sizes.frame))
        last = skipped[-most:]
        skipped = skipped[:-most]
        long = [m for m in last if sizes.of([m]) > free // 2 // len(last)]
    short = [message for message in last if message not in long]
    free -= sizes.of(short) + sizes.frame * len(long)

    turns = [sizes.of(turn) for turn in talk.turns]
    first = window.first_kept(turns, room // 2)
    while sum(turns[first:]) > max(0, free) * 2 // 3:
        first += 1
    old = [message for turn in talk.turns[:first] for message in turn]
    recent = [message for turn in talk.turns[first:] for message in turn]
    return Plan(
        system=talk.system,
        old=(*old, *skipped),
        recent=tuple(recent),
        asked=asked,
        question=question,
        last=tuple(last),
        long=tuple(long),
        left=free - sizes.of(recent),
    )
