"""Ctrl-C between two steps, never inside one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back SIGINT while the engine's cache and our book of it change together.

    An interrupt that came meanwhile is delivered at the end. Only the main thread sees interrupts.
    """
    before = signal.getsignal(signal.SIGINT)
    # A handler that was not set from Python (``None``) could not be put back.
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came and callable(before):
            before(*came[-1])
        elif came and before is signal.SIG_DFL:
            signal.raise_signal(signal.SIGINT)
