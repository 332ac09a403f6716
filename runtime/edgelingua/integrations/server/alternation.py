"""Messages for chat templates that take nothing but users and assistants, turn by turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgelingua.integrations.server.messages import Message
from edgelingua.prompt import SEPARATOR


def alternating(messages: Sequence[Message]) -> list[Message]:
    """Return messages that alternate, system messages first, then a user's.

    Tool outputs become what the user says, and what one says at a stretch becomes one message, with
    the place of its first.
    """
    system = [message for message in messages if message.role == "system"]
    said: list[Message] = []
    for message in messages:
        role = "user" if message.role == "tool" else message.role
        if role == "system":
            continue
        if said and said[-1].role == role:
            joined = said[-1].content + SEPARATOR + message.content
            said[-1] = replace(said[-1], content=joined)
        else:
            said.append(replace(message, role=role))
    if said and said[0].role != "user":
        said.insert(0, Message("user", "", -1))
    return [*system, *said]
