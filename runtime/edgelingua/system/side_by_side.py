"""Many pieces of work in a few threads, and their results in order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Generator[Result]:
    """Yield ``work`` of each of ``items``, in their order, as many at a time as there are threads.

    The threads are there for as long as this takes: none waits idle, and none is missed by a
    process that was forked. What has not begun when the iterator is closed, or when one fails, is
    left out.
    """
    todo = list(items)
    if threads == 1 or len(todo) < 2:
        yield from map(work, todo)
        return
    from concurrent.futures import ThreadPoolExecutor  # 10 ms, which a short text does not need

    pool = ThreadPoolExecutor(min(threads, len(todo)))
    try:
        yield from pool.map(work, todo)
    finally:
        pool.shutdown(cancel_futures=True)
