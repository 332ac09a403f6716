"""How llama.cpp's threads wait for each other, and what a fork leaves of them.

They meet several hundred times for each token. Asleep, they take long to wake up; awake, as GNU's
OpenMP library has them for milliseconds, they take the CPU from whom they wait for wherever another
process is at work. So they wait awake for the time of a few meetings, then asleep;
``benchmarks/runtime/busy.md`` has what other ways cost. ``OMP_WAIT_POLICY`` or ``GOMP_SPINCOUNT``,
set by the user, are heeded instead; where another package has loaded that library before, as torch
does, its threads wait as they did.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

_OURS = "GOMP_SPINCOUNT"
_USERS = ("OMP_WAIT_POLICY", _OURS)
_PAUSED = 500
_UNPAUSED = 10_000
"""Looks before a thread sleeps: some 10 µs, where each one is a pause (x86) and where it is not."""


class _Pool:
    """OpenMP's threads: they belong to the process that has started them."""

    def __init__(self) -> None:
        self.started = self.lost = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self.lost = self.lost or self.started


_pool = _Pool()


@contextmanager
def short_wait() -> Iterator[None]:
    """Have an OpenMP library that is loaded inside let threads wait awake for a short time only.

    It looks at the environment when it is loaded, and never again. Afterwards the environment is
    as before: processes started from this one are not concerned.
    """
    if any(name in os.environ for name in _USERS):
        yield
        return
    pauses = platform.machine().lower() in ("x86_64", "amd64", "i686", "x86")
    os.environ[_OURS] = str(_PAUSED if pauses else _UNPAUSED)
    try:
        yield
    finally:
        os.environ.pop(_OURS, None)


def usable(threads: int) -> int:
    """Return how many of so many threads can be used now, and take it that they are.

    In a process that was forked after they had been started there is one: OpenMP would wait
    forever for the others.
    """
    if _pool.lost:
        return 1
    _pool.started = _pool.started or threads > 1
    return threads
