"""Lets requests in, and writes down what became of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgelingua.integrations.server.events import event
from edgelingua.integrations.server.logs import failure, log
from edgelingua.integrations.server.metrics import Counters
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.worker import RETRY_AFTER

METRICS = "text/plain; version=1.0.0; charset=utf-8"
GONE = 499
"""What logs and metrics call the status of a request whose client has gone, as nginx does."""

Tell = Callable[[HttpRequest, Exception], Response]
"""Writes the response that tells of an error."""


def as_told(error: Exception) -> ApiError:
    """Return what a client is told of any error."""
    if isinstance(error, HTTPException):
        reason = {404: "No such path.", 405: "Not with this method."}
        message = reason.get(error.status_code, error.detail)
        return ApiError(message, status=error.status_code, headers=dict(error.headers or {}))
    if isinstance(error, RecursionError):
        return ApiError("The body is nested too deeply.")
    if not isinstance(error, ApiError):
        return ApiError("The server failed; its log says why.", status=500)
    return error


def tell(_: HttpRequest, error: Exception) -> Response:
    """Write an error as OpenAI's clients read it."""
    told = as_told(error)
    return JSONResponse(told.body(), told.status, told.headers)


TAKING = 60.0
"""Seconds for which a client may take nothing of its answer."""

LastWords = Callable[[str, str, ApiError], bytes | None]
"""Writes an error as the end of a stream, by its path and media type; ``None`` where it cannot."""


def last_words(_: str, kind: str, error: ApiError) -> bytes | None:
    """Write an error as the end of a stream of OpenAI's."""
    return event(error.body()) if kind == "text/event-stream" else None


async def health(_: HttpRequest) -> Response:
    """Say that the server is there."""
    return JSONResponse({"status": "ok"})


class SlowClientError(Exception):
    """A client takes nothing of its answer, and holds a place that others wait for."""


class Door:
    """Lets requests in, and writes down what became of them.

    Parameters
    ----------
    app
        What answers them.
    counters
        What counts them.
    paths
        Those that logs and metrics name.
    check
        Raises `ApiError` for a request, by its headers and path, that is not let in.
    told
        Writes errors.
    last_words
        Writes the one that ends a stream.
    taking
        Seconds for which a client may take nothing of its answer.
    """

    def __init__(
        self,
        app: ASGIApp,
        counters: Counters,
        *,
        paths: Collection[str],
        check: Callable[[dict[bytes, bytes], str], None],
        told: Tell = tell,
        last_words: LastWords = last_words,
        taking: float = TAKING,
    ) -> None:
        self._app = app
        self._counters = counters
        self._paths = frozenset(paths)
        self._check = check
        self._tell = told
        self._last_words = last_words
        self._taking = taking

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, as ASGI calls it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["path"] = scope["path"].rstrip("/") or "/"  # clients that join addresses have both
        started = time.monotonic()
        status, headers, whole = GONE, dict[bytes, bytes](), False

        async def noted(message: Message) -> None:
            nonlocal status, headers, whole
            if message["type"] == "http.response.start":
                status, headers = message["status"], dict(message.get("headers", ()))
            try:
                async with asyncio.timeout(self._taking):
                    await send(message)
            except TimeoutError:
                raise SlowClientError from None
            whole = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            self._check(dict(scope["headers"]), scope["path"])
        except ApiError as error:
            await self._tell(HttpRequest(scope), error)(scope, receive, noted)
        else:
            try:
                await self._app(scope, receive, noted)
            except asyncio.CancelledError:  # the server ends before the request does
                if status == GONE:
                    await self._tell(HttpRequest(scope), _stopping())(scope, receive, noted)
                    return
                kind = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0]
                words = self._last_words(scope["path"], kind.strip().lower(), _stopping())
                if words is None or b"content-length" in headers:
                    raise  # the connection breaks off
                await send({"type": "http.response.body", "body": words, "more_body": False})
            except Exception as error:  # which has been told, if nothing had been sent before
                if not whole:
                    raise  # the connection breaks off
                log("failure", failure(error))
        finally:
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._counters.requests.labels(path, str(status)).inc()
            values: dict[str, Any] = {
                "method": scope["method"][:16],
                "path": path,
                "status": status,
                "milliseconds": round(1000 * (time.monotonic() - started)),
            }
            log("request", values | scope.get("edgelingua", {}))


def _stopping() -> ApiError:
    return ApiError(
        "The server is being stopped; ask again when it is back.",
        status=503,
        code="server_stopping",
        headers={"Retry-After": str(RETRY_AFTER)},
    )
