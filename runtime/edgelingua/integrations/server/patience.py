"""How long somebody waits for work that runs in another thread."""

from __future__ import annotations

import threading
import time


class Ended(Exception):  # noqa: N818  # nothing has gone wrong
    """Nobody waits for this work any more."""


class Patience:
    """Tells work when to end: its client has gone, or its time is over.

    Parameters
    ----------
    seconds
        How long the client waits.
    """

    def __init__(self, seconds: float) -> None:
        self._gone = threading.Event()
        self._end = time.monotonic() + seconds

    def leave(self) -> None:
        """Say that the client has gone."""
        self._gone.set()

    @property
    def gone(self) -> bool:
        """Whether the client has gone."""
        return self._gone.is_set()

    @property
    def over(self) -> bool:
        """Whether the time is over, or the client has gone."""
        return self.gone or time.monotonic() >= self._end

    def check(self) -> None:
        """Raise `Ended` when it is over."""
        if self.over:
            raise Ended
