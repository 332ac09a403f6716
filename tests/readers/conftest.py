"""An endpoint that works, our own server in a process of its own, and one that misbehaves."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.server.conftest import start

KEY = "key-of-the-tests"
CELLS = 320
MODELS = b'{"object": "list", "data": [{"id": "one", "object": "model", "context_window": 512}]}'


@pytest.fixture(scope="session")
def endpoint(gguf: Path) -> Iterator[str]:
    """The address of ``edgelingua serve`` with `CELLS` cells and a key."""
    running = start("--cap", str(CELLS), "--api-key", KEY)
    yield f"{running.url}/v1"
    running.stop()


def response(
    body: bytes, status: str = "200 OK", kind: str = "application/json", more: str = ""
) -> bytes:
    """Return a whole response; the connection is closed behind it."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n{more}\r\n"
    return head.encode() + body


def events(*data: object, end: bool = True) -> bytes:
    """Return a stream of events."""
    lines = [f"data: {each if isinstance(each, str) else json.dumps(each)}\n\n" for each in data]
    body = "".join([*lines, "data: [DONE]\n\n"] if end else lines)
    return response(body.encode(), kind="text/event-stream")


class Broken:
    """A server that says what it is told to, and then closes the connection, or falls silent.

    ``says``: the bytes for a path's end; ``answers``: what makes them of a request's body. ``gone``
    is set once a client has left while it was silent.
    """

    def __init__(self) -> None:
        self.says: dict[str, bytes] = {"/models": response(MODELS)}
        self.answers: dict[str, Callable[[bytes], bytes]] = {}
        self.silent = False
        self.gone = threading.Event()
        self.asked: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            asked = self._read(connection)
            self.asked.append(asked)
            path = asked.split(b" ")[1].decode() if asked else ""
            body = asked.partition(b"\r\n\r\n")[2]
            found = [make(body) for end, make in self.answers.items() if path.endswith(end)]
            found += [says for end, says in self.says.items() if path.endswith(end)]
            connection.sendall(found[0] if found else response(b"{}", "404 Not Found"))
            if self.silent and path.endswith("/chat/completions"):
                while connection.recv(65536):
                    pass
                self.gone.set()

    def _read(self, connection: socket.socket) -> bytes:
        asked = b""
        while b"\r\n\r\n" not in asked:
            if not (part := connection.recv(65536)):
                return asked
            asked += part
        head, _, body = asked.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                while len(body) < int(line.split(b":")[1]):
                    body += connection.recv(65536)
        return head + b"\r\n\r\n" + body


@pytest.fixture
def broken() -> Iterator[Broken]:
    server = Broken()
    yield server
    server.close()
