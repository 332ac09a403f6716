"""Answers sent over HTTP: in one piece, or as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from starlette.responses import JSONResponse
from starlette.types import Message, Scope, Send

from edgelingua.errors import EdgeLinguaError
from edgelingua.integrations.server.bodies import Body
from edgelingua.integrations.server.events import event
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.written import Finish, Piece

Pieces = AsyncIterator[Piece | Finish]
"""Pieces of one answer or several, some of them empty, each with how it ended behind it."""


async def in_one(
    pieces: Pieces, body: Body, headers: Mapping[str, str], scope: Scope, send: Send
) -> list[Finish]:
    """Send answers when they are whole; return how they ended."""
    written: list[Piece] = []
    finishes: list[Finish] = []
    async for piece in pieces:
        if isinstance(piece, Finish):
            finishes.append(piece)
        else:
            written.append(piece)
    if not finishes:
        raise _broken()
    reply = JSONResponse(body.whole(written, finishes), headers=dict(headers))
    await reply(scope, _nothing, send)
    return finishes


async def as_events(
    pieces: Pieces, body: Body, headers: Mapping[str, str], send: Send
) -> list[Finish]:
    """Send answers as they are written; return how they ended.

    An error after the beginning is an event too, as there is no other place for it; none of the
    answers has ended then.
    """
    finishes: list[Finish] = []
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
                finishes.append(piece)
                await _more(send, body.ending(piece))
            else:
                for chunk in body.piece(piece):
                    await _more(send, chunk)
        if not finishes:
            raise _broken()
        for chunk in body.closing(finishes):
            await _more(send, chunk)
        await _end(send)
        return finishes
    except (ApiError, EdgeLinguaError) as error:
        told = error if isinstance(error, ApiError) else ApiError(str(error), status=500)
        await _more(send, event(told.body()))
        await _end(send)
        return []


async def _more(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


async def _end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _broken() -> ApiError:
    return ApiError("The answer ended without an end.", status=500)
