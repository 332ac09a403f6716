"""A server that answers at once, for what stands in front of it to be timed; prints its port."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

WORDS = 20


def _chunks() -> Iterator[bytes]:
    for word in range(WORDS):
        choice = {"index": 0, "delta": {"content": f"word {word} "}, "finish_reason": None}
        chunk = {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
        yield f"data: {json.dumps(chunk)}\n\n".encode()
    yield b"data: [DONE]\n\n"


async def answer(http: Request) -> StreamingResponse:
    """Read a request, and stream the same answer as always."""
    json.loads(await http.body())
    return StreamingResponse(_chunks(), media_type="text/event-stream")


def main() -> None:
    """Serve until killed."""
    app = Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        print(listener.getsockname()[1], flush=True)
        uvicorn.Server(uvicorn.Config(app, log_config=None)).run([listener])
