"""Replies piece by piece, and how to end one early, also from another thread."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from inspect import GEN_CLOSED, GEN_CREATED, getgeneratorstate
from threading import Event, Lock
from typing import Generic, TypeVar

from edgelingua.errors import CancelledError, InputError
from edgelingua.scores import Progress

Answer = TypeVar("Answer")

_ELSEWHERE = (
    "another thread is iterating over this reply: end it with cancel(), which any thread may call, "
    "and go on once that thread has left"
)


class Stream(Iterator[str], Generic[Answer]):
    """The pieces of a reply as they are written; once they have all come, the `reply`.

    Where nobody holds it any more, as after leaving a loop over it, the reply ends there.

    Parameters
    ----------
    pieces
        Writes the pieces and returns the reply; it heeds ``cancel``.
    cancel
        Ends it when set.
    """

    def __init__(self, pieces: Generator[str, None, Answer], cancel: Event) -> None:
        self._pieces = pieces
        self._cancel = cancel
        self._reply: Answer | None = None
        self._iterating = Lock()

    def __next__(self) -> str:
        """Return the next piece.

        Raises
        ------
        CancelledError
            It was cancelled before anything was written.
        InputError
            Another thread is iterating.
        """
        if not self._iterating.acquire(blocking=False):
            raise InputError(_ELSEWHERE)
        try:
            return next(self._pieces)
        except StopIteration as end:
            if end.value is not None:
                self._reply = end.value
            raise
        finally:
            self._iterating.release()

    @property
    def reply(self) -> Answer:
        """The whole reply, or what was written of it before it was cancelled.

        Raises
        ------
        InputError
            It is still being written, or was cancelled before anything was.
        """
        if self._reply is None:
            raise InputError("there is no reply yet: iterate over the stream to its end first")
        return self._reply

    def cancel(self) -> None:
        """End the reply at the next token, from any thread; iterating ends then."""
        self._cancel.set()

    def close(self) -> None:
        """Cancel, and see it through to the end; for the thread that iterates.

        Nothing is cancelled where it has ended, and nothing read where it has not begun.

        Raises
        ------
        InputError
            Another thread is iterating; `cancel` ends it.
        """
        if self._iterating.locked():
            raise InputError(_ELSEWHERE)
        state = getgeneratorstate(self._pieces)
        if state == GEN_CREATED:
            self._pieces.close()
        if state in (GEN_CREATED, GEN_CLOSED):
            return
        self.cancel()
        with suppress(CancelledError):
            for _ in self:
                pass


def refuse_cancelled(cancel: Event) -> None:
    """Raise `CancelledError` if an event is set."""
    if cancel.is_set():
        raise CancelledError("cancelled before anything was written")


def heeding(cancel: Event, progress: Progress | None = None) -> Progress:
    """Return a callback for work in steps that raises `CancelledError` if an event is set."""

    def step(done: int, total: int) -> None:
        refuse_cancelled(cancel)
        if progress:
            progress(done, total)

    return step
