"""Ctrl-C and SIGTERM between two steps, never inside one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_HELD = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back SIGINT and SIGTERM while the engine's cache and our book of it change together.

    What came meanwhile is delivered at the end. Only the main thread sees signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[signal.Signals, Any] = {}
    came: dict[int, FrameType | None] = {}
    try:
        for number in _HELD:
            # A handler that was not set from Python (``None``) could not be put back.
            if (handler := signal.getsignal(number)) is not None:
                before[number] = handler
                signal.signal(number, came.__setitem__)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number, handler in before.items():  # a handler that raises ends this
            if number in came and callable(handler):
                handler(number, came[number])
            elif number in came and handler is signal.SIG_DFL:
                signal.raise_signal(number)
