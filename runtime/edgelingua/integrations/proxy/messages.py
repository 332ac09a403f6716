"""The messages of a request, of whichever interface, and the texts in them that may be cut.

OpenAI, Anthropic and Ollama agree on a list of messages with roles, whose content is a text or a
list of blocks with types; the types' names do not clash. What is not known is no text here, and
passes on as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from edgelingua.prompt import SEPARATOR

Kind = Literal["user", "assistant", "tool", "document"]

_ROLES: dict[str, Kind] = {
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
"""Those whose texts may be cut: system prompts are not."""


@dataclass(frozen=True, eq=False)
class Place:
    """Where a text stands in a request's body: under ``key`` of ``holder``."""

    holder: dict[str, Any]
    key: str
    kind: Kind

    @property
    def text(self) -> str:
        """What stands there."""
        text: str = self.holder[self.key]
        return text

    def put(self, text: str) -> None:
        """Put another text there."""
        self.holder[self.key] = text


@dataclass(frozen=True, eq=False)
class Block:
    """A block of a message: all of it, and the texts in it that may be cut."""

    whole: Any
    places: tuple[Place, ...]


@dataclass(frozen=True, eq=False)
class Turn:
    """A message: its ``number`` in the request, its ``frame`` (all but its content), its blocks."""

    number: int
    kind: Kind
    frame: dict[str, Any]
    blocks: tuple[Block, ...]

    @property
    def said(self) -> list[Place]:
        """The texts in it that are neither documents nor tool outputs."""
        return [place for block in self.blocks for place in block.places if place.kind == self.kind]

    @property
    def asked(self) -> str:
        """What a user says in it."""
        if self.kind != "user":
            return ""
        return SEPARATOR.join(place.text for place in self.said).strip()


def turns(body: dict[str, Any]) -> list[Turn]:
    """Return the messages of a request but for instructions."""
    messages = body.get("messages")
    found = []
    for number, message in enumerate(messages if isinstance(messages, list) else []):
        role = message.get("role") if isinstance(message, dict) else None
        if isinstance(role, str) and role in _ROLES:
            found.append(_turn(number, _ROLES[role], message))
    return found


def _turn(number: int, kind: Kind, message: dict[str, Any]) -> Turn:
    content = message.get("content")
    frame = {name: value for name, value in message.items() if name != "content"}
    if isinstance(content, str):
        # The same as one block of text: clients write it so when they put a breakpoint there.
        block = Block({"type": "text", "text": content}, (Place(message, "content", kind),))
        return Turn(number, kind, frame, (block,))
    listed = content if isinstance(content, list) else [content]
    return Turn(number, kind, frame, tuple(Block(b, tuple(_places(b, kind))) for b in listed))


def _places(block: Any, kind: Kind) -> Iterator[Place]:
    """Find texts in a block; what is quoted by position (citations) stays as it is."""
    if not isinstance(block, dict) or block.get("citations"):
        return
    match block:
        case {"type": "text" | "input_text", "text": str()}:
            yield Place(block, "text", kind)
        case {"type": "tool_result", "content": str()}:
            yield Place(block, "content", "tool")
        case {"type": "tool_result", "content": list(blocks)}:
            for inner in blocks:
                yield from _places(inner, "tool")
        case {"type": "search_result", "content": list(blocks)}:
            for inner in blocks:
                yield from _places(inner, "document")
        case {"type": "document", "source": {"type": "text", "data": str()} as source}:
            yield Place(source, "data", "document")
