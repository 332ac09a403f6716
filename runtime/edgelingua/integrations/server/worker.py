"""One thread that does the heavy work, and a queue before it that does not grow for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TypeVar

from edgelingua.errors import CancelledError
from edgelingua.integrations.server.patience import Patience
from edgelingua.integrations.server.problems import ApiError

T = TypeVar("T")

RETRY_AFTER = 5
"""Seconds after which a client that was turned away may try again."""


class Admission:
    """Lets so many clients in at a time.

    Parameters
    ----------
    most
        How many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.clients = 0

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Count a client in, until it has been served.

        Raises
        ------
        ApiError
            Too many wait: 429, and when to try again.
        """
        if self.clients >= self._most:
            raise ApiError(
                f"{self.clients} requests are being served or wait already; try again later.",
                status=429,
                code="rate_limit_exceeded",
                headers={"Retry-After": str(RETRY_AFTER)},
            )
        self.clients += 1
        try:
            yield
        finally:
            self.clients -= 1


class Worker(Admission):
    """Does jobs one after the other, in the order they come.

    A model uses all cores: two jobs at a time would each take twice as long.

    Parameters
    ----------
    waiting
        Most clients that wait while one is served.
    """

    def __init__(self, waiting: int) -> None:
        super().__init__(1 + waiting)
        self._thread = ThreadPoolExecutor(1, "edgelingua-worker")

    async def call(self, job: Callable[[], T], patience: Patience) -> T:
        """Do a job; a caller that is cancelled leaves, and the job ends when it looks."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, job)
        except asyncio.CancelledError:
            patience.gone.set()
            raise

    async def stream(
        self, job: Callable[[], Generator[T, None, None]], patience: Patience
    ) -> AsyncGenerator[T, None]:
        """Yield what a job yields, as it does; it ends when the caller goes."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[T | None] = asyncio.Queue()

        def pump() -> None:
            try:
                with closing(job()) as items:
                    for item in items:
                        if patience.gone.is_set():
                            return
                        loop.call_soon_threadsafe(queue.put_nowait, item)
            except CancelledError:
                pass  # nobody is left to tell
            finally:
                loop.call_soon_threadsafe(queue.put_nowait, None)

        done = loop.run_in_executor(self._thread, pump)
        try:
            while (item := await queue.get()) is not None:
                yield item
            await done
        finally:
            patience.gone.set()

    def close(self) -> None:
        """End the thread, when the job in it has ended."""
        self._thread.shutdown()
