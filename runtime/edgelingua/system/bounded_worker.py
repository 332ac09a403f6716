"""The worker of `bounded`: calls one object's methods until nobody asks any more.

Only the standard library is imported before the first question says what else is needed.
"""

from __future__ import annotations

import faulthandler
import marshal
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import IO, Any


class ForeignError(Exception):
    """What a file of others was used for failed, or took more than it may."""


def attempt(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function; what goes wrong inside becomes a `ForeignError`.

    Also what `tokenizers` raises where it gives up: that is no `Exception`, and its class cannot be
    imported.
    """
    try:
        return function(*arguments)
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ForeignError(str(error) or type(error).__name__) from None


def found(factory: str) -> Callable[..., Any]:
    """Import what is called ``module:name``."""
    module, _, name = factory.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def send(file: IO[bytes], message: bytes) -> None:
    """Write a message and its size."""
    file.write(len(message).to_bytes(8, "little"))
    file.write(message)
    file.flush()


def receive(file: IO[bytes], most: int = 1 << 62) -> bytes:
    """Read a message.

    Raises
    ------
    EOFError
        There is none, or a larger one than ``most``.
    """
    size = int.from_bytes(head := file.read(8), "little")
    if len(head) < 8 or size > most:
        raise EOFError
    message = file.read(size)
    if len(message) < size:
        raise EOFError
    return message


def main() -> None:
    """Make the object that the first question names, then call the methods that others name."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the process that asks
    questions, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else is said there
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - pathlib is not needed otherwise
        asked: Any = None
        while True:
            try:
                name, arguments, seconds, memory = marshal.loads(receive(questions))
            except EOFError:
                return
            try:
                function = attempt(found, name) if asked is None else getattr(asked, name)
                _limit_memory(memory)
                faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
                result = attempt(function, *arguments)
                if asked is None:
                    asked, result = result, None
                reply = attempt(marshal.dumps, (True, result))  # memory may end here too
            except ForeignError as error:
                reply = marshal.dumps((False, str(error)[:1000]))
            faulthandler.cancel_dump_traceback_later()
            send(replies, reply)


def _limit_memory(size: int) -> None:
    if sys.platform == "linux":
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[1]
        size = size if most == resource.RLIM_INFINITY else min(size, most)
        resource.setrlimit(resource.RLIMIT_AS, (size, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
