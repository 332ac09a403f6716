"""Answers sent over HTTP: in one piece, or as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from starlette.responses import JSONResponse
from starlette.types import Message, Scope, Send

from edgelingua.errors import EdgeLinguaError
from edgelingua.integrations.server.answering import Finish
from edgelingua.integrations.server.bodies import Body, event
from edgelingua.integrations.server.problems import ApiError

Pieces = AsyncIterator[str | Finish]
"""Pieces of a text, some of them empty, and at last how it ended."""


async def in_one(
    pieces: Pieces, body: Body, headers: Mapping[str, str], scope: Scope, send: Send
) -> Finish:
    """Send an answer when it is whole; return how it ended."""
    texts: list[str] = []
    async for piece in pieces:
        if isinstance(piece, Finish):
            await JSONResponse(body.whole("".join(texts), piece), headers=dict(headers))(
                scope, _nothing, send
            )
            return piece
        texts.append(piece)
    raise _broken()


async def as_events(
    pieces: Pieces, body: Body, headers: Mapping[str, str], send: Send
) -> Finish | None:
    """Send an answer as it is written; return how it ended.

    An error after the beginning is an event too, as there is no other place for it: ``None`` then.
    """
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),  # nginx would wait for the whole
                *((name.encode(), value.encode()) for name, value in headers.items()),
            ],
        }
    )
    for chunk in body.opening():
        await _more(send, chunk)
    try:
        async for piece in pieces:
            if isinstance(piece, Finish):
                for chunk in body.closing(piece):
                    await _more(send, chunk)
                await _end(send)
                return piece
            if piece:
                await _more(send, body.piece(piece))
        raise _broken()
    except (ApiError, EdgeLinguaError) as error:
        told = error if isinstance(error, ApiError) else ApiError(str(error), status=500)
        await _more(send, event(told.body()))
        await _end(send)
        return None


async def _more(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


async def _end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _broken() -> ApiError:
    return ApiError("The answer ended without an end.", status=500)
