"""Code of others under bounds of time and memory: it runs in a process of its own.

A chat template is a program, and a tokenizer.json can make a short text arbitrarily long, or a
regular expression run for ever. Neither can be stopped in the process that runs it. So a worker
does: it knows nothing but what it is asked, ends itself when its time is up, and cannot have more
memory than it is given (on Linux; elsewhere time alone bounds it).
"""

from __future__ import annotations

import contextlib
import marshal
import os
import subprocess
import threading
import weakref
from dataclasses import dataclass
from typing import Any, Protocol

from edgelingua.system import child
from edgelingua.system.bounded_worker import ForeignError, attempt, found, receive, send

__all__ = ["Bounded", "Bounds", "Foreign", "ForeignError", "Local", "attempt", "foreign"]

_WORKER = "edgelingua.system.bounded_worker"
_BOOT = f"import sys; sys.path[:] = sys.argv[1:]; from {_WORKER} import main; main()"
# Threads and arenas of their own would count as memory.
_ENVIRONMENT = {
    "TOKENIZERS_PARALLELISM": "false",
    "RAYON_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
}


@dataclass(frozen=True)
class Bounds:
    """Most seconds that a call may take, and most megabytes (10^6) of memory."""

    seconds: float
    megabytes: float


class Foreign(Protocol):
    """An object made from a file of others."""

    def call(self, name: str, *arguments: Any, bounds: Bounds) -> Any:
        """Call a method; `ForeignError` where that fails, or takes more than it may."""
        ...

    def close(self) -> None:
        """Give back what it takes; another call gets it again."""
        ...


def foreign(factory: str, *arguments: Any, bounds: Bounds, trusted: bool = False) -> Foreign:
    """Make an object that works with a file of others.

    Parameters
    ----------
    factory
        ``module:name`` of its class.
    arguments
        What it is made from: plain numbers, texts, lists.
    bounds
        For making it.
    trusted
        Make it here, without bounds. So it is also where there is no Python to start: in an app in
        one piece, whose files are its maker's own.

    Raises
    ------
    ForeignError
        It cannot be made, or not within its bounds.
    """
    if trusted or child.interpreter() is None:
        return Local(factory, *arguments)
    return Bounded(factory, *arguments, bounds=bounds)


class Local:
    """An object in this process; see `foreign`."""

    def __init__(self, factory: str, *arguments: Any) -> None:
        self._object = attempt(found(factory), *arguments)

    def call(self, name: str, *arguments: Any, bounds: Bounds) -> Any:
        """Call a method; the bounds are not enforced."""
        return attempt(getattr(self._object, name), *arguments)

    def close(self) -> None:
        """Do nothing: it is an object like others."""


class Bounded:
    """An object in a worker process; see `foreign`.

    Threads wait for each other. A process forked from this one starts a worker of its own, and so
    does the call behind one that was interrupted or broke its bounds.
    """

    def __init__(self, factory: str, *arguments: Any, bounds: Bounds) -> None:
        self._made = (factory, arguments, bounds)
        self._locks: dict[int, threading.Lock] = {}
        self._end: weakref.finalize[..., Any] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        with self._locks.setdefault(os.getpid(), threading.Lock()):
            self._worker()

    def call(self, name: str, *arguments: Any, bounds: Bounds) -> Any:
        """Call a method in the worker.

        Raises
        ------
        ForeignError
            The method raises, or breaks its bounds.
        """
        with self._locks.setdefault(os.getpid(), threading.Lock()):
            return self._ask(self._worker(), (name, arguments), bounds)

    def close(self) -> None:
        """End the worker; another call starts a new one."""
        if self._end:
            self._end()

    def _worker(self) -> subprocess.Popen[bytes]:
        if self._process and self._end and self._end.alive and self._pid == os.getpid():
            return self._process
        factory, arguments, bounds = self._made
        try:
            process = subprocess.Popen(
                [str(child.interpreter()), "-I", "-S", "-c", _BOOT, *child.places()],
                env=os.environ | _ENVIRONMENT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise ForeignError(f"no process can be started for it: {error}") from None
        self._process, self._pid = process, os.getpid()
        self._end = weakref.finalize(self, _end, process, self._pid)
        try:
            self._ask(process, (factory, arguments), bounds)
        except ForeignError:
            self.close()  # it would take the next question for how to make its object
            raise
        return process

    def _ask(self, process: subprocess.Popen[bytes], what: tuple[Any, ...], bounds: Bounds) -> Any:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            size = int(bounds.megabytes * 1e6)
            send(process.stdin, marshal.dumps((*what, bounds.seconds, size)))
            fine, reply = marshal.loads(receive(process.stdout, most=size))
        except (OSError, EOFError):
            self.close()
            late = process.returncode == 1  # how the worker ends when its time is up
            raise ForeignError(
                f"it takes more than {bounds.seconds:.0f} s"
                if late
                else f"it takes more than {bounds.megabytes:.0f} MB, or ends the process"
            ) from None
        except BaseException:  # whose reply would be taken for that to the next question
            self.close()
            raise
        if not fine:
            raise ForeignError(reply)
        return reply


def _end(process: subprocess.Popen[bytes], pid: int) -> None:
    """End a worker, unless it is one that another process started."""
    if os.getpid() != pid:
        return
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with contextlib.suppress(OSError):
                pipe.close()
    if process.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)  # it ends by itself when its pipes do
    process.kill()
    process.wait()
