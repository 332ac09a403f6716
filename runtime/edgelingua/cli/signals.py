"""What Ctrl-C and SIGTERM do to a command: at once while it starts, then with cleaning up."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType


def leave_at_once() -> None:
    """Have them end the process as it is, while it imports what it needs.

    Nothing is there yet to clean up, and native code makes errors of its own of an exception that
    is raised while it is imported.
    """
    _handle(_leave)


def leave_in_order() -> None:
    """Have them raise: files half written go, the terminal is as it was before."""
    _handle(_raise)


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        # A job in the background, or under nohup, was started to ignore them.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _leave(number: int, _: FrameType | None) -> None:
    if number == signal.SIGINT and sys.stderr is not None:
        os.write(sys.stderr.fileno(), b"interrupted\n")
    os._exit(128 + number)


def _raise(number: int, _: FrameType | None) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    signal.signal(number, signal.SIG_DFL)  # a second one does not wait for that
    sys.exit(128 + number)
