"""Processes that stay loaded and work when asked, so that cases can take turns within seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_AUTOGROUP = Path("/proc/self/autogroup")
_FIRST = "-20"
_TICKS = os.sysconf("SC_CLK_TCK")


class Live:
    """One `live_worker` process.

    Attributes
    ----------
    loaded
        What it said of loading.
    """

    def __init__(
        self, kind: str, model: str, settings: dict[str, Any], environment: dict[str, str]
    ) -> None:
        command = [sys.executable, str(HERE / "live_worker.py"), kind, model, json.dumps(settings)]
        self._process = subprocess.Popen(
            command,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.loaded = self._read()

    @contextmanager
    def real_time(self, wanted: bool) -> Iterator[None]:
        """Let it run whenever it can, as if it were alone. Linux, root."""
        self._schedule(os.SCHED_RR if wanted else os.SCHED_OTHER, int(wanted))
        yield
        self._schedule(os.SCHED_OTHER, 0)

    def _schedule(self, policy: int, priority: int) -> None:
        for thread in Path(f"/proc/{self._process.pid}/task").iterdir():
            os.sched_setscheduler(int(thread.name), policy, os.sched_param(priority))

    def work(self) -> dict[str, Any]:
        """Have it work once; ``others``: CPUs that other processes took meanwhile."""
        began, busy = time.perf_counter(), _busy_s()
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        result = self._read()
        seconds = time.perf_counter() - began
        return {**result, "others": (_busy_s() - busy - result["cpu_s"]) / seconds}

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def two_busy_processes(*, apart: bool, ahead: bool) -> Iterator[None]:
    """Keep two processes busy that do nothing else, in this session or ``apart`` from it.

    Linux gives every session its share before each of its processes; ``ahead`` as in
    `ahead_of_others`.
    """
    code = f"from pathlib import Path; ahead = {apart and ahead}\n"
    code += f"if ahead: Path({str(_AUTOGROUP)!r}).write_text({_FIRST!r})\nwhile True: pass"
    busy = [
        subprocess.Popen([sys.executable, "-c", code], start_new_session=apart) for _ in range(2)
    ]
    time.sleep(0.2)
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@contextmanager
def ahead_of_others(wanted: bool) -> Iterator[None]:
    """Let this session's processes go before those of others: on a machine that others use too.

    Among themselves they share as ever. Linux, root, and a session of its own (``setsid``).
    """
    if not wanted:
        yield
        return
    _AUTOGROUP.write_text(_FIRST)
    try:
        yield
    finally:
        time.sleep(0.2)  # Linux takes a change in a tenth of a second, not in less
        with suppress(OSError):
            _AUTOGROUP.write_text("0")
        time.sleep(0.5)


def _busy_s() -> float:
    """CPU seconds of all processes since the machine started."""
    fields = Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0].split()[1:]
    times = [int(field) for field in fields]
    return (sum(times) - times[3] - times[4]) / _TICKS
