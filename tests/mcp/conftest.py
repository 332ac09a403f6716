"""A server of tools as people start it, reached with the SDK's own client."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeVar

import pytest

from tests.conftest import DOCUMENT

if TYPE_CHECKING:
    from mcp import Client

KEY = "a key of the tests"
COMMAND = [sys.executable, "-m", "edgelingua", "mcp", "--threads", "1"]

Result = TypeVar("Result")
Talk = Callable[["Client"], Awaitable[Result]]


def over_stdio(talk: Talk[Result], errors: TextIO, *options: str) -> Result:
    """Talk with a server that is started for it."""
    import anyio
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters, get_default_environment, stdio_client

    command, *arguments = [*COMMAND, *options]
    here = get_default_environment() | {"PYTHONPATH": ":".join(filter(None, sys.path))}
    server = StdioServerParameters(command=command, args=arguments, env=here)

    async def talked() -> Result:
        async with Client(stdio_client(server, errlog=errors)) as client:
            return await talk(client)

    return anyio.run(talked)


def over_http(talk: Talk[Result], url: str, key: str = KEY) -> Result:
    """Talk with a server that is there."""
    import anyio
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async def talked() -> Result:
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return await talk(client)

    return anyio.run(talked)


@contextmanager
def serving(*options: str) -> Iterator[tuple[str, list[str]]]:
    """Start a server; its address, and what it has written to stderr once it has ended."""
    command = [*COMMAND, "--http", "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    lines = [process.stderr.readline()]
    found = re.search(r"at (http://\S+/mcp)", lines[0])
    try:
        assert found, lines[0] + process.stderr.read()
        yield found[1], lines
    finally:
        process.terminate()
        lines += process.stderr.readlines()
        process.wait(60)


@pytest.fixture(scope="session")
def document() -> str:
    return DOCUMENT.read_text(encoding="utf-8")
