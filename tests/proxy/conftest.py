"""A proxy on a port of its own, in front of a server that does what a test wrote down."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from edgelingua.compressors import Compressor

_CLIENTS = ("anthropic", "httpx", "openai", "starlette", "uvicorn")
collect_ignore_glob = (
    [] if all(map(find_spec, _CLIENTS)) else ["test_*.py"]
)  # the extras for tests alone do not bring them

FAILURE = "12:41:11 ERROR worker-3 could not connect to db7:5432: connection refused"


def lines(hour: int, count: int) -> list[str]:
    return [
        f"{hour}:{i:02d}:07 INFO worker-{i % 7} handled {i * 37} in {i} ms" for i in range(count)
    ]


LOG = "\n".join([*lines(12, 20), FAILURE, *lines(13, 10)])
"""A tool's output, of some 700 tokens."""


def agent(output: str = LOG, question: str = "Why did worker-3 fail?") -> dict[str, Any]:
    """Return a request of an agent: a question, a call, and what came of it."""
    call = {"id": "c1", "type": "function", "function": {"name": "logs", "arguments": "{}"}}
    return {
        "model": "m",
        "messages": [
            {"role": "system", "content": "You look after servers. " * 200},
            {"role": "user", "content": question},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": output},
        ],
    }


@contextmanager
def on_a_port(app: ASGIApp) -> Iterator[str]:
    """Serve an application; yield its address."""
    import uvicorn

    config = uvicorn.Config(
        app, log_config=None, lifespan="on", timeout_graceful_shutdown=2, http="h11"
    )
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = server.force_exit = True
        thread.join(20)


@dataclass
class Scripted:
    """A server that writes down what it is sent, and answers as ``reply`` says."""

    url: str = ""
    sent: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    reply: Callable[[Request, bytes], Awaitable[Response]] | None = None

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, _, body in self.sent]

    async def answer(self, http: Request) -> Response:
        from starlette.responses import JSONResponse

        body = await http.body()
        path = http.url.path + ("?" + http.url.query if http.url.query else "")
        self.sent.append((path, dict(http.headers), body))
        if self.reply:
            return await self.reply(http, body)
        return JSONResponse(completion("Yes."))


def completion(text: str, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        **more,
    }


@pytest.fixture(scope="session")
def scripted() -> Iterator[Scripted]:
    from starlette.applications import Starlette
    from starlette.routing import Route

    server = Scripted()
    methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]
    with on_a_port(
        Starlette(routes=[Route("/{path:path}", server.answer, methods=methods)])
    ) as url:
        server.url = url
        yield server


@pytest.fixture
def upstream(scripted: Scripted) -> Scripted:
    scripted.sent, scripted.reply = [], None
    return scripted


@pytest.fixture(scope="session")
def compressor() -> Compressor:
    from edgelingua import load_compressor

    return load_compressor()


@pytest.fixture(scope="session")
def shared(scripted: Scripted, compressor: Compressor) -> Iterator[str]:
    """The address of a proxy with the default options, which remembers what others sent."""
    from edgelingua.integrations.proxy.app import create_app
    from edgelingua.integrations.proxy.options import ProxyOptions
    from edgelingua.integrations.proxy.state import State

    with on_a_port(create_app(compressor, State(), ProxyOptions(upstream=scripted.url))) as url:
        yield url


@pytest.fixture
def proxy(upstream: Scripted, compressor: Compressor) -> Iterator[Callable[..., str]]:
    """Starts proxies; their address is returned."""
    from edgelingua.integrations.proxy.app import create_app
    from edgelingua.integrations.proxy.options import ProxyOptions
    from edgelingua.integrations.proxy.state import State

    with ExitStack() as stack:

        def start(
            folder: Path | None = None, using: Compressor | None = None, **options: Any
        ) -> str:
            chosen = ProxyOptions(**({"upstream": upstream.url} | options))
            app = create_app(using or compressor, State(folder), chosen)
            return stack.enter_context(on_a_port(app))

        yield start
