"""How a build tells what it does."""

from __future__ import annotations

import time
from collections.abc import Callable

Report = Callable[[str], None]


def timed(report: Report) -> Report:
    """Put the seconds since now in front of every message."""
    started = time.monotonic()
    return lambda message: report(f"[{time.monotonic() - started:5.0f} s] {message}")
