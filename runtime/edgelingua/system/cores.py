"""How many threads are worth starting: the processor cores that this process may keep busy."""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections.abc import Set as AbstractSet
from pathlib import Path

MOST = 8
"""More threads rarely pay for models as small as these."""

_CPUS = Path("/sys/devices/system/cpu")
_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")


def available_cores() -> int:
    """Return the cores that this process may keep busy, at most `MOST`.

    Counted are those its affinity allows, the two threads of a core once, and no more than the
    quota of its control group (a container's) pays for; on Apple silicon the performance cores.
    Where the system does not say, every CPU counts as a core.
    """
    if hasattr(os, "sched_getaffinity"):
        allowed: AbstractSet[int] = os.sched_getaffinity(0)
    else:
        allowed = frozenset(range(os.cpu_count() or 1))
    counts = [MOST, physical_cores(allowed), performance_cores(), quota()]
    return max(1, min(count for count in counts if count is not None))


def physical_cores(cpus: AbstractSet[int], system: Path = _CPUS) -> int:
    """Return on how many cores these CPUs are."""
    cores = {
        _read(system / f"cpu{cpu}" / "topology" / "thread_siblings_list") or str(cpu)
        for cpu in cpus
    }
    return len(cores)


def quota(groups: Path = _GROUPS, own: Path = _OWN_GROUPS) -> int | None:
    """Return the CPUs that the control groups of this process pay for, rounded up."""
    found = []
    for line in (_read(own) or "").splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers not in ("", "cpu", "cpu,cpuacct"):
            continue
        base = groups / controllers
        place = base / group.lstrip("/")
        # A group gets no more than those it is in. A container may see its own as the topmost.
        for folder in (place, *place.parents):
            found += _share(folder)
            if folder == base:
                break
    return math.ceil(min(found)) if found else None


def _share(folder: Path) -> list[float]:
    """CPUs that one group pays for, if it has a limit: in version 2's file, or version 1's two."""
    text = _read(folder / "cpu.max") or " ".join(
        _read(folder / f"cpu.cfs_{name}_us") or "" for name in ("quota", "period")
    )
    match text.split():
        case [time, period] if time.isdecimal() and period.isdecimal() and int(period):
            return [int(time) / int(period)]
    return []


def performance_cores() -> int | None:
    """Return how many performance cores an Apple processor has; ``None`` elsewhere."""
    if sys.platform != "darwin":
        return None
    count, size = ctypes.c_int32(), ctypes.c_size_t(4)
    failed = ctypes.CDLL(None).sysctlbyname(
        b"hw.perflevel0.physicalcpu", ctypes.byref(count), ctypes.byref(size), None, 0
    )
    return count.value if not failed and count.value else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None
