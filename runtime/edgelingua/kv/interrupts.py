"""Ctrl-C and SIGTERM between two steps, never inside one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_HELD = (signal.SIGINT, signal.SIGTERM)
"""In the order they are delivered: of two that raise, the error of the last one goes on."""


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back SIGINT and SIGTERM while the engine's cache and our book of it change together.

    Native code that calls back into Python needs it too: what a handler raises there is lost. What
    came meanwhile is delivered at the end. Only the main thread sees signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    gate = _Gate()
    try:
        gate.set_up()
        gate.closed = True
        yield
    finally:
        try:
            gate.deliver()
        finally:
            gate.take_down()


class _Gate:
    """Stands before the handlers of signals; while it is `closed`, it remembers what comes.

    Handlers cannot be exchanged in one step, and any signal may come, and its handler raise, in
    between. So a gate is set up and taken down open, when it does no more than its handlers would:
    one that is left half way loses nothing.
    """

    def __init__(self) -> None:
        self.closed = False
        self._handlers: dict[int, Callable[[int, FrameType | None], Any] | int] = {}
        self._came: dict[int, FrameType | None] = {}

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self._came[number] = frame
        if not self.closed:
            self.deliver()

    def set_up(self) -> None:
        """Put this before the handlers."""
        for number in _HELD:
            handler = signal.getsignal(number)
            # One that was not set from Python (``None``) could not be put back.
            if handler is not None and handler is not signal.SIG_IGN:
                self._handlers[number] = handler
                signal.signal(number, self)

    def deliver(self) -> None:
        """Open; hand over all that came, also if a handler raises."""
        self.closed = True  # one at a time
        try:
            for number in _HELD:
                if number in self._came:
                    self._hand_over(number, self._came.pop(number))
        finally:
            self.closed = False
            if self._came:
                self.deliver()

    def take_down(self) -> None:
        """Put the handlers back, but for those that have been replaced meanwhile."""
        for number, handler in self._handlers.items():
            if signal.getsignal(number) is self:
                signal.signal(number, handler)

    def _hand_over(self, number: int, frame: FrameType | None) -> None:
        handler = self._handlers[number]
        if callable(handler):
            handler(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
