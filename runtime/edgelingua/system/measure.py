"""What a run cost: milliseconds per stage, memory."""

from __future__ import annotations

import ctypes
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Stopwatch:
    """Milliseconds per named stage; a stage entered twice adds up."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        started = time.perf_counter()
        try:
            yield
        finally:
            spent = 1000 * (time.perf_counter() - started)
            self.milliseconds[name] = self.milliseconds.get(name, 0.0) + spent


def peak_rss_mb() -> float | None:
    """Return the largest resident set of this process so far, in MB; ``None`` on Windows."""
    status = Path("/proc/self/status")
    if status.is_file():
        # Linux hands getrusage's figure down from the process that started this one.
        peak = re.search(r"^VmHWM:\s*(\d+) kB", status.read_text(), re.MULTILINE)
        if peak:
            return int(peak[1]) * 1024 / 1e6
    if sys.platform == "win32":
        return None
    import resource

    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / 1e6 if sys.platform == "darwin" else largest * 1024 / 1e6


def rss_mb() -> float | None:
    """Return the resident set of this process now, in MB; ``None`` elsewhere than on Linux."""
    status = Path("/proc/self/status")
    found = (
        re.search(r"^VmRSS:\s*(\d+) kB", status.read_text(), re.MULTILINE)
        if status.is_file()
        else None
    )
    return int(found[1]) * 1024 / 1e6 if found else None


def mapped_rss(path: Path) -> int | None:
    """Return how many bytes of a mapped file are in memory; ``None`` elsewhere than on Linux."""
    maps = Path("/proc/self/smaps")
    if not maps.is_file():
        return None
    file = re.escape(os.path.realpath(path))
    # A line for each mapping, which ends with its file; then lines "Name: value".
    pattern = rf"^[0-9a-f]+-[0-9a-f]+ .* {file}\n(?:.*\n)*?Rss:\s*(\d+)"
    return 1024 * sum(int(size) for size in re.findall(pattern, maps.read_text(), re.MULTILINE))


def trim_memory() -> None:
    """Give memory that was freed back to the system, which glibc's allocator does not by itself."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
