"""Chats as they were laid out before, so that they can be laid out again byte for byte."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from edgelingua.integrations.server.laid import Change, Ranges
from edgelingua.integrations.server.messages import Message

MOST = 64


@dataclass(frozen=True)
class Shown:
    """Messages as the reader gets them.

    ``stays`` are ranges of contents, by the number of their message, that must not leave the cache;
    ``changes``, what was compressed.
    """

    said: tuple[Message, ...]
    stays: Mapping[int, Ranges]
    changes: tuple[Change, ...] = ()


class Memory:
    """What was shown of the last chats: the least recently used is forgotten.

    A chat that goes on has the messages of before at its beginning; it is found by them.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Shown] = OrderedDict()

    def keys(self, setting: Sequence[str], said: Sequence[Message]) -> list[bytes]:
        """Return a key for each beginning of a chat: of no message, of one, …, of all.

        ``setting`` is what else makes a chat: system prompt, tools, pins.
        """
        digest = blake2b(digest_size=16)
        keys = []
        for part in (*setting, *map(_text, said)):
            raw = part.encode()
            digest.update(len(raw).to_bytes(8, "big") + raw)
            keys.append(digest.copy().digest())
        return keys[len(setting) - 1 :]

    def find(self, keys: Sequence[bytes]) -> tuple[Shown, int] | None:
        """Return what was shown of the longest beginning that is known, and its messages."""
        for known in range(len(keys) - 1, 0, -1):
            if (shown := self._kept.get(keys[known])) is not None:
                self._kept.move_to_end(keys[known])
                return shown, known
        return None

    def keep(self, key: bytes, shown: Shown) -> None:
        """Remember what was shown of a chat."""
        self._kept[key] = shown
        self._kept.move_to_end(key)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)


def _text(message: Message) -> str:
    calls = "".join(f"\0{call.name}\0{call.arguments}" for call in message.calls)
    return f"{message.role}\0{message.content}{calls}"
