"""What comes over HTTP, as much of it as may be."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx

_MOST_LINE = 4_000_000


class TooLongError(Exception):
    """A line longer than any event."""


async def beginning(response: httpx.Response) -> bytes:
    """Return the body, or as much as is read of one."""
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > _MOST_LINE:
            break
    return bytes(content)


async def data_of(response: httpx.Response) -> AsyncIterator[str]:
    """Yield the data of server-sent events, a line each."""
    rest = ""
    async for text in response.aiter_text():
        *whole, rest = (rest + text).split("\n")
        for line in whole:
            if line.startswith("data:"):
                yield line[5:].strip()
        if len(rest) > _MOST_LINE:
            raise TooLongError
    if rest.startswith("data:"):
        yield rest[5:].strip()
