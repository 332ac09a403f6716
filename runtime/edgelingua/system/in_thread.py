"""Work in a thread that a task waits for, and that ends when nobody waits any more."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import TypeVar

from edgelingua.errors import CancelledError

T = TypeVar("T")

Check = Callable[[int, int], None]
"""Called with the steps that are done, and all of them."""


async def in_thread(work: Callable[[Check], T], progress: Check | None = None) -> T:
    """Do work beside the event loop, in asyncio's own threads.

    Parameters
    ----------
    work
        Calls what it is given between its steps; that ends it when the task is cancelled.
    progress
        Is called with it, in the thread.
    """
    import asyncio  # 50 ms that few programs need

    gone = Event()

    def check(done: int, total: int) -> None:
        if gone.is_set():
            raise CancelledError("the task that waited was cancelled")
        if progress is not None:
            progress(done, total)

    try:
        return await asyncio.to_thread(work, check)
    except asyncio.CancelledError:
        gone.set()
        raise
