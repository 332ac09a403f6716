"""Compressions that may be asked about later, each by a name that nobody can guess."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from threading import Lock

from edgelingua.compressed import Compressed
from edgelingua.errors import InputError

MOST = 64
MOST_CHARACTERS = 32_000_000


class Shelf:
    """Keeps the last compressions, `MOST` of them and `MOST_CHARACTERS` of text, in memory only.

    Several clients may share a server: only whoever has a compression's id can ask about it.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Compressed] = OrderedDict()
        self._lock = Lock()

    def put(self, compressed: Compressed) -> str:
        """Keep a compression; return its id."""
        key = secrets.token_urlsafe(9)
        with self._lock:
            self._kept[key] = compressed
            while len(self._kept) > 1 and not self._within():
                self._kept.popitem(last=False)
        return key

    def get(self, key: str) -> Compressed:
        """Return the compression of an id.

        Raises
        ------
        InputError
            There is none, or it has made way for later ones.
        """
        with self._lock:
            if key not in self._kept:
                raise InputError(
                    f"no compression has this id: expected one that compress returned since the "
                    f"server was started; the last {MOST} are kept. Compress the text again"
                )
            self._kept.move_to_end(key)
            return self._kept[key]

    def _within(self) -> bool:
        characters = sum(len(each.prompt.text) for each in self._kept.values())
        return len(self._kept) <= MOST and characters <= MOST_CHARACTERS
