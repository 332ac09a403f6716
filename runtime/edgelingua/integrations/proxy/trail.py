"""Where in a conversation a text stands: a hash of all that was said up to it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

_SIZE = 20
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class Trail:
    """Walks through a conversation; the same beginning gives the same marks.

    Breakpoints of a cache (``cache_control``) are left out: clients move them on with every turn.

    Parameters
    ----------
    secret
        Random bytes, without which no mark tells anything.
    whose
        Who asks; others who say the same have other marks.
    """

    def __init__(self, secret: bytes, whose: bytes) -> None:
        self._hash = hashlib.blake2b(key=secret, digest_size=_SIZE)
        self._add(whose)

    def mark(self, said: Any) -> bytes:
        """Walk on past a value of JSON; return the mark of where that leads."""
        self._add(_JSON.encode(_plain(said)).encode())
        return self._hash.copy().digest()

    def _add(self, data: bytes) -> None:
        self._hash.update(len(data).to_bytes(8))
        self._hash.update(data)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if name != "cache_control"}
    return [_plain(each) for each in value] if isinstance(value, list) else value
