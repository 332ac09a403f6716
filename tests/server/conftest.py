"""A server as people start it: a process of its own, reached over HTTP."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

_CLIENTS = ("httpx", "openai", "starlette", "uvicorn")
collect_ignore = (
    []
    if all(map(find_spec, _CLIENTS))
    else ["test_compress.py", "test_http.py", "test_openai.py", "test_page.py"]
)  # the extras for tests alone do not bring them

NAME = "smollm2-135m-instruct"


@dataclass
class Running:
    """A server that is running: its address, and what it has written to stderr so far."""

    process: subprocess.Popen[str]
    url: str = ""
    lines: list[str] = field(default_factory=list)

    def connection(self) -> socket.socket:
        host, port = self.url.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)


def start(*options: str) -> Running:
    command = [sys.executable, "-m", "edgelingua", "serve", "--port", "0", "--threads", "1"]
    process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
    server = Running(process)
    listening = threading.Event()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            server.lines.append(line)
            if found := re.search(r"at (http://\S+)/v1", line):
                server.url = found[1]
                listening.set()
        listening.set()

    threading.Thread(target=read, daemon=True).start()
    listening.wait(120)
    assert server.url, server.lines
    return server


@pytest.fixture(scope="session")
def server(gguf: Path) -> Iterator[Running]:
    """With 512 cells."""
    running = start("--cap", "512")
    yield running
    running.stop()


@pytest.fixture
def started(gguf: Path) -> Iterator[Callable[..., Running]]:
    """Starts servers with other options."""
    running: list[Running] = []

    def begin(*options: str) -> Running:
        running.append(start(*options))
        return running[-1]

    yield begin
    for one in running:
        if one.process.poll() is None:
            one.stop()
