"""How long somebody waits for work that runs in another thread."""

from __future__ import annotations

import time
from threading import Event

from edgelingua.errors import CancelledError
from edgelingua.integrations.server.problems import ApiError


class Patience:
    """Tells work when to end: its client has gone, or its time is over.

    Parameters
    ----------
    seconds
        How long the client waits.

    Attributes
    ----------
    gone
        Set when the client has gone.
    """

    def __init__(self, seconds: float) -> None:
        self.gone = Event()
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._end

    def check(self, done: int = 0, total: int = 0) -> None:
        """Raise when work should end; called between its steps.

        Raises
        ------
        CancelledError
            The client has gone.
        ApiError
            The time is over.
        """
        if self.gone.is_set():
            raise CancelledError("the client has gone")
        if self.over:
            raise ApiError(
                f"The request took longer than {self._seconds:g} s, the limit of this server, "
                "before anything was written.",
                status=503,
                code="timeout",
            )
