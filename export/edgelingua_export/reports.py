"""How a build tells what it does."""

from __future__ import annotations

import time
from collections.abc import Callable

Report = Callable[[str], None]


def paced(report: Report, seconds: float = 10.0) -> Report:
    """Pass on a message only if the last one that was passed on is some time ago."""
    shown = time.monotonic()

    def told(message: str) -> None:
        nonlocal shown
        if time.monotonic() - shown >= seconds:
            shown = time.monotonic()
            report(message)

    return told


def timed(report: Report) -> Report:
    """Put the seconds since now in front of every message."""
    started = time.monotonic()
    return lambda message: report(f"[{time.monotonic() - started:5.0f} s] {message}")
