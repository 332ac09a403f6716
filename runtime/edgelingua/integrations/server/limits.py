"""Bodies of requests, within limits of size and time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.requests import Request

from edgelingua.integrations.server.problems import ApiError

_SECONDS = 60
"""How long a body may take to come."""

_DISCARDED = 256_000_000
"""Bytes of a body that is too long that are still taken, so that its sender reads the answer."""


async def read_json(request: Request, most: int) -> Any:
    """Return what the body says.

    Raises
    ------
    ApiError
        It is no JSON, longer than ``most`` bytes, or too slow.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        # Browsers send this to other sites only after asking them, and are told no.
        raise ApiError(
            "Expected a body of JSON: send it with 'Content-Type: application/json'.", status=415
        )
    body = await read_body(request, most)
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        reason = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "its text"
        raise ApiError(f"The body is not valid JSON, see {reason}.") from None


async def read_body(request: Request, most: int) -> bytes:
    """Return a body as it came.

    Raises
    ------
    ApiError
        It is longer than ``most`` bytes, or too slow.
    """
    try:
        async with asyncio.timeout(_SECONDS):
            return await _read(request, most)
    except TimeoutError:
        raise ApiError(f"The body took longer than {_SECONDS} s to come.", status=408) from None


async def _read(request: Request, most: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= most:
            chunks.append(chunk)
        elif size > _DISCARDED:
            break
    if size > most:
        raise ApiError(
            f"The body is larger than {most:,} bytes, the limit of this server.",
            status=413,
            code="request_too_large",
        )
    return b"".join(chunks)


def _refuse(name: str) -> None:
    raise ValueError(name)
