"""Another process of the same Python, for what may end a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_FATAL = ("SIGSEGV", "SIGILL", "SIGBUS", "SIGFPE", "SIGABRT", "SIGTRAP", "SIGSYS")
_WINDOWS_ERRORS = 0xC0000000  # exit codes from here on are those of processes that died
_WINDOWS_NAMES = {0xC0000005: "access violation", 0xC000001D: "illegal instruction"}


def interpreter() -> str | None:
    """Return the Python that runs this; ``None`` where it is part of another program."""
    program = Path(sys.executable or "")
    named = program.name.lower().startswith(("python", "pypy"))
    return None if getattr(sys, "frozen", False) or not named else str(program)


def places() -> list[str]:
    """Return where this process finds packages, this one too, for a process that starts anew."""
    here = str(Path(__file__).parents[2])  # on no path where an import hook has found it
    paths = [path for path in sys.path if isinstance(path, str)]  # Python passes over others too
    return [*(os.path.abspath(path) for path in paths), here]  # noqa: PTH100 - "" too


def start(
    command: Sequence[str], timeout: float, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end. It finds Python's packages where this process does.

    Parameters
    ----------
    command
        Program and arguments.
    timeout
        Seconds after which it is killed.
    environment
        Variables beside those of this process.

    Raises
    ------
    OSError
        It cannot be started.
    subprocess.TimeoutExpired
        It was killed.
    """
    added = {"PYTHONPATH": os.pathsep.join(places())} | environment
    return subprocess.run(
        command,
        env=os.environ | added,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        check=False,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def death(code: int) -> str | None:
    """Name the native fault that ended a process with this exit code; ``None`` if none did."""
    if code >= _WINDOWS_ERRORS:
        return _WINDOWS_NAMES.get(code, f"{code:#x}")
    name = next((one.name for one in signal.Signals if one == -code), "")
    return name if name in _FATAL else None


def die_quietly() -> None:
    """Leave no core file and no window behind, should this process die."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetErrorMode(0x0003)
    else:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
