"""The processor this runs on."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Cpu:
    """A processor: its name, and what it can do in the words of the system, which may say none."""

    name: str
    features: tuple[str, ...]


@cache
def cpu() -> Cpu:
    """Return the processor this runs on."""
    entries = _cpuinfo()
    name = entries.get("model name") or entries.get("Model") or _name_on_mac()
    if not name and "CPU part" in entries:
        name = f"ARM {entries.get('CPU implementer', '?')}/{entries['CPU part']}"
    features = entries.get("flags") or entries.get("Features") or ""
    name = name or platform.processor() or platform.machine() or "unknown"
    return Cpu(name, tuple(sorted(features.split())))


def _cpuinfo() -> dict[str, str]:
    """Entries of Linux's ``/proc/cpuinfo``, of the first processor where they differ."""
    found: dict[str, str] = {}
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return found
    for line in lines:
        key, _, value = line.partition(":")
        found.setdefault(key.strip(), value.strip())
    return found


def _name_on_mac() -> str:
    if sys.platform != "darwin":
        return ""
    import ctypes

    size = ctypes.c_size_t(128)
    name = ctypes.create_string_buffer(size.value)
    system = ctypes.CDLL(None)
    failed = system.sysctlbyname(b"machdep.cpu.brand_string", name, ctypes.byref(size), None, 0)
    return "" if failed else name.value.decode(errors="replace")


def memory_mb() -> tuple[float, float] | None:
    """Return memory in MB (10^6 bytes): all that this may use, and what is free; ``None``: unknown.

    On Linux; a container's limit counts as all, where control groups are of version 2.
    """
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        sizes = {name: int(rest.split()[0]) * 1024 / 1e6 for name, _, rest in
                 (line.partition(":") for line in lines)}  # fmt: skip
        whole, free = sizes["MemTotal"], sizes["MemAvailable"]
    except (OSError, ValueError, KeyError, IndexError):
        return None
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text()) / 1e6
        used = int(Path("/sys/fs/cgroup/memory.current").read_text()) / 1e6
    except (OSError, ValueError):  # no container, or "max"
        return whole, free
    return min(whole, limit), min(free, limit - used)
