"""What a list of messages is made of: instructions, turns, what is asked, what followed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgelingua.integrations.server.messages import Message
from edgelingua.prompt import SEPARATOR

Turn = tuple[Message, ...]


@dataclass(frozen=True)
class Talk:
    """A conversation in its parts.

    ``system`` is what all system messages say: templates take one, at the beginning. ``turns`` are
    those before ``asked``, the last message of the user (or the last of all, if the user said
    nothing). ``steps`` are the replies and tool outputs that follow it.
    """

    system: str
    turns: tuple[Turn, ...]
    asked: Message | None
    steps: tuple[Turn, ...]

    @classmethod
    def of(cls, messages: Sequence[Message]) -> Talk:
        """Take messages apart."""
        system = SEPARATOR.join(m.content for m in messages if m.role == "system")
        said = [message for message in messages if message.role != "system"]
        if not said:
            return cls(system, (), None, ())
        users = [at for at, message in enumerate(said) if message.role == "user"]
        asked = users[-1] if users else len(said) - 1
        return cls(
            system, _cut(said[:asked], "user"), said[asked], _cut(said[asked + 1 :], "assistant")
        )


def _cut(messages: Sequence[Message], opening: str) -> tuple[Turn, ...]:
    """Cut before each message of a role: so what is left of a talk alternates as it did."""
    turns: list[list[Message]] = []
    for message in messages:
        if message.role == opening or not turns:
            turns.append([])
        turns[-1].append(message)
    return tuple(map(tuple, turns))
