"""The server behind the proxy, asked over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx

from edgelingua.integrations.proxy.headers import Headers
from edgelingua.integrations.server.problems import ApiError

_CONNECT = 10
_IDLE = 4
"""Seconds that a connection is kept for the next request: common servers close it after five."""


class Upstream:
    """Passes requests on, each of them once.

    Nothing is tried again: whoever asked knows whether it may be done twice.

    Parameters
    ----------
    url
        Its address. A path such as ``/v1`` at its end, with which a request begins too, is meant
        once.
    seconds
        Longest silence.
    """

    def __init__(self, url: str, seconds: float) -> None:
        parts = urlsplit(url.rstrip("/"))
        self._origin = httpx.URL(f"{parts.scheme}://{parts.netloc}")
        self._path = parts.path.encode()
        self._seconds = seconds
        self._timeout = httpx.Timeout(seconds, connect=min(seconds, _CONNECT)).as_dict()
        limits = httpx.Limits(max_connections=None, keepalive_expiry=_IDLE)
        self._client = httpx.AsyncClient(limits=limits, follow_redirects=False)

    @asynccontextmanager
    async def ask(
        self, method: str, target: bytes, headers: Headers, content: bytes
    ) -> AsyncIterator[httpx.Response]:
        """Send a request; its answer's body is still to come.

        Parameters
        ----------
        method, target
            What is done to what: a path, and what follows a question mark.
        headers, content
            As they go over the wire.

        Raises
        ------
        ApiError
            It cannot be reached, is too slow, or speaks no HTTP: 502 or 504; what is asked for is
            no path: 400.
        """
        try:
            url = self._origin.copy_with(raw_path=self._joined(target))
        except httpx.InvalidURL:
            raise ApiError(
                "The path cannot be passed on: expected one without '#', of at most 65,536 "
                "characters."
            ) from None
        request = httpx.Request(
            method,
            url,
            headers=headers,
            content=content or None,
            extensions={"timeout": self._timeout},
        )
        try:
            response = await self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise self.told(error) from None
        try:
            yield response
        finally:
            await response.aclose()

    def told(self, error: httpx.HTTPError) -> ApiError:
        """Return what to tell of a failure; addresses and keys are not in it."""
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return ApiError(
                "The server behind this proxy cannot be reached.", status=502, code="upstream_down"
            )
        if isinstance(error, httpx.TimeoutException):
            return ApiError(
                f"The server behind this proxy said nothing for {self._seconds:g} s, the limit "
                "here.",
                status=504,
                code="upstream_timeout",
            )
        return ApiError(
            "The server behind this proxy broke off, or does not speak HTTP.",
            status=502,
            code="upstream_broken",
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    def _joined(self, target: bytes) -> bytes:
        path = self._path
        last = path[path.rfind(b"/") :] if path else b""
        if last and (target.startswith(last + b"/") or target == last):
            path = path[: -len(last)]
        return path + target
