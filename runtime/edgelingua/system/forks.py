"""What other threads were doing when a process was forked stays half done in the child."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet


class Runs:
    """The runs of something that several threads may use at a time.

    Attributes
    ----------
    cut
        Whether another thread was in the middle of one when this process was forked: it holds locks
        that nobody will ever give back.
    """

    def __init__(self) -> None:
        self.cut = False
        self._threads: set[int] = set()
        _all.add(self)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Note that this thread is in a run."""
        this = threading.get_ident()
        self._threads.add(this)
        try:
            yield
        finally:
            self._threads.discard(this)

    def forked(self) -> None:
        """Note that this process has just been forked; only its forking thread is still there."""
        self.cut = self.cut or bool(self._threads - {threading.get_ident()})
        self._threads.clear()


_all: WeakSet[Runs] = WeakSet()


def _forked() -> None:
    for runs in list(_all):
        runs.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
