"""llama-cpp-python's own server: an endpoint that is not ours."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest


@contextmanager
def other_server(gguf: Path, window: int = 512) -> Iterator[str]:
    """Serve a model with room for so many tokens; yields the address."""
    pytest.importorskip("fastapi", reason="llama-cpp-python[server] is not there")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(gguf), "--port", port]
    process = subprocess.Popen(
        [*command, "--n_ctx", str(window), "--n_threads", "1", "--n_threads_batch", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    while process.poll() is None:
        try:
            httpx.get(url + "/v1/models", trust_env=False)
            break
        except httpx.ConnectError:
            time.sleep(0.1)
    try:
        yield url
    finally:
        process.terminate()
        process.wait(60)
