"""Sessions that are kept, so that what a request begins with need not be read again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.integrations.server.beginnings import Beginnings
from edgelingua.kv.session import Session


@dataclass(eq=False)
class _Kept:
    """A session, whose first ``sound`` cells are what it read first, with nothing between gone."""

    session: Session
    sound: int = 0

    def shared(self, tokens: NDArray[np.int32]) -> int:
        """Return how many of these tokens it has read as its first ones; the last is left out.

        A session that is to draw a token has to read one.
        """
        most = min(self.sound, len(tokens) - 1)
        same = np.equal(self.session.cells.tokens[:most], tokens[:most])
        return most if same.all() else int(np.argmin(same))


class Pool:
    """At most ``size`` sessions, the least recently used of which gives way.

    Not for several threads at a time.

    Parameters
    ----------
    open_session
        Makes an empty session.
    size
        Most sessions: each takes the memory of a whole cache.
    beginnings
        What was read before a restart.
    """

    def __init__(
        self,
        open_session: Callable[[], Session],
        size: int,
        beginnings: Beginnings | None = None,
    ) -> None:
        self._beginnings = beginnings
        self._open = open_session
        self._size = size
        self._kept = [_Kept(open_session())]  # the most recently used last

    def __len__(self) -> int:
        return len(self._kept)

    def check_room(self, pinned: NDArray[np.bool_]) -> None:
        """Raise `CapError` unless an empty session can read tokens of which these are pinned."""
        if not self._kept:
            self._kept.append(_Kept(self._open()))
        session = self._kept[0].session
        session.check_room(pinned, without=np.ones(len(session.cells), dtype=bool))

    def take(
        self, tokens: NDArray[np.int32], pinned: NDArray[np.bool_], opening: int = 0
    ) -> tuple[Session, int]:
        """Return a session that has read the first of these tokens and nothing else, and how many.

        It belongs to the caller until `give_back`. The first ``opening`` tokens may be saved ones.
        """
        session, shared = self._find(tokens, tokens[:opening])
        gone = np.arange(len(session.cells)) >= shared
        if gone.any():
            session.take_back(gone)
        if shared:
            session.pin(pinned[:shared])
        return session, shared

    def give_back(self, session: Session, read: int) -> None:
        """Keep a session that has read and written so many tokens, from its first one on.

        What was evicted on the way leaves a gap, behind which nothing is as if it had been read
        without what is gone. Gaps are closed only when the model knows no more positions.
        """
        sound = 0
        if read <= session.engine.trained_length:
            positions = session.cells.positions
            gaps = np.flatnonzero(positions != np.arange(len(positions)))
            sound = int(gaps[0]) if len(gaps) else len(positions)
        self._kept.append(_Kept(session, sound))

    def _find(self, tokens: NDArray[np.int32], opening: NDArray[np.int32]) -> tuple[Session, int]:
        """Take out the session that has the most of these tokens, or a copy of it."""
        most = max((kept.shared(tokens) for kept in self._kept), default=0)
        if self._beginnings and most < len(opening) and self._beginnings.has(opening):
            if len(self._kept) >= self._size:
                self._kept.pop(0)  # its cache goes before another is made
            if saved := self._beginnings.find(opening):
                return saved, len(opening)
        if not self._kept:
            return self._open(), 0
        best = max(self._kept, key=lambda kept: kept.shared(tokens))
        shared = best.shared(tokens)
        full = len(self._kept) >= self._size
        # What goes on a talk takes its session; what only begins like it gets one of its own.
        if 2 * shared >= len(best.session.cells) or (full and best is self._kept[0]):
            self._kept.remove(best)
            return best.session, shared
        if not full:
            return (best.session.fork(), shared) if shared else (self._open(), 0)
        oldest = self._kept.pop(0).session
        if not shared:
            return oldest, 0
        del oldest  # its cache goes before another is made
        return best.session.fork(), shared
