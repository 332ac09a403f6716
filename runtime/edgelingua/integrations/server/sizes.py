"""Tokens that messages take in a chat, by the reader's own template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from edgelingua.errors import ReaderError
from edgelingua.integrations.server.messages import Message
from edgelingua.llama.model import LlamaModel


@dataclass(frozen=True)
class Sizes:
    """Counts the tokens of messages, without laying them out."""

    reader: LlamaModel

    def of(self, messages: Iterable[Message]) -> int:
        """Return the tokens of messages, what the template puts around each counted."""
        return sum(
            self.frame
            + self.reader.count(message.content)
            + sum(self.reader.count(call.text) for call in message.calls)
            for message in messages
        )

    def opening(self, system: str, tools: Sequence[Mapping[str, Any]] = ()) -> int:
        """Return the tokens of a chat in which nothing has been said.

        The system prompt, if any, and what the template writes of tools.
        """
        roles = ("system", "user") if system else ("user",)
        return self._template(*roles, tools=tools) - self.frame + self.reader.count(system)

    @cached_property
    def frame(self) -> int:
        """Tokens that the template puts around a message."""
        pair = self._template("user", "assistant", "user") - self._template("user")
        return -(-pair // 2)

    @cached_property
    def alternates(self) -> bool:
        """Whether the template takes nothing but users and assistants, turn by turn."""
        try:
            for roles in (("user", "user"), ("user", "assistant", "tool"), ("assistant", "user")):
                self._template(*roles)
        except ReaderError:
            return True
        return False

    def _template(self, *roles: str, tools: Sequence[Mapping[str, Any]] = ()) -> int:
        parts = self.reader.chat([(role, "") for role in roles], tools)
        return sum(len(part.tokens) for part in parts)
