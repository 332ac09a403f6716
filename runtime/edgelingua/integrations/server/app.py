"""The server's ASGI application."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgelingua.integrations.server import guard
from edgelingua.integrations.server.answering import Answerer
from edgelingua.integrations.server.logs import log
from edgelingua.integrations.server.options import ServerOptions
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.requests import chat_request, completion_request
from edgelingua.integrations.server.service import Endpoint, Service

METRICS = "text/plain; version=1.0.0; charset=utf-8"
GONE = 499
"""What logs and metrics call the status of a request whose client has gone, as nginx does."""


def create_app(answerer: Answerer, options: ServerOptions) -> ASGIApp:
    """Return the application that serves an answerer."""
    service = Service(answerer, options)
    model = {
        "id": options.name,
        "object": "model",
        "created": int(time.time()),
        "owned_by": "edgelingua",
        "context_window": answerer.cap,
    }

    async def models(_: HttpRequest) -> Response:
        return JSONResponse({"object": "list", "data": [model]})

    async def one_model(http: HttpRequest) -> Response:
        service.check_model(http.path_params["name"])
        return JSONResponse(model)

    async def embeddings(_: HttpRequest) -> Response:
        raise ApiError(
            "This server makes no embeddings: its model reads and writes text. Use "
            "/v1/chat/completions or /v1/completions.",
            code="unsupported_endpoint",
        )

    async def health(_: HttpRequest) -> Response:
        return JSONResponse({"status": "ok"})

    async def metrics(_: HttpRequest) -> Response:
        return Response(service.metrics.page(), media_type=METRICS)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(service.worker.close)

    app = Starlette(
        routes=[
            Route("/v1/chat/completions", Endpoint(service, chat_request), methods=["POST"]),
            Route("/v1/completions", Endpoint(service, completion_request), methods=["POST"]),
            Route("/v1/embeddings", embeddings, methods=["POST"]),
            Route("/v1/models", models),
            Route("/v1/models/{name:path}", one_model),
            Route("/healthz", health),
            Route("/metrics", metrics),
        ],
        exception_handlers={ApiError: _told, HTTPException: _told, Exception: _told},
        lifespan=lifespan,
    )
    return _Door(app, service)


def _told(_: HttpRequest, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        reason = {404: "No such path.", 405: "Not with this method."}
        message = reason.get(error.status_code, error.detail)
        error = ApiError(message, status=error.status_code, headers=dict(error.headers or {}))
    if not isinstance(error, ApiError):
        error = ApiError("The server failed; its log says why.", status=500)
    return JSONResponse(error.body(), error.status, error.headers)


class _Door:
    """Lets requests in, and writes down what became of them."""

    def __init__(self, app: Starlette, service: Service) -> None:
        self._app = app
        self._service = service
        self._paths = {route.path for route in app.routes if isinstance(route, Route)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        status = GONE

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            guard.check(dict(scope["headers"]), scope["path"], self._service.options.api_key)
        except ApiError as error:
            await _told(HttpRequest(scope), error)(scope, receive, noted)
        else:
            await self._app(scope, receive, noted)
        finally:
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._service.metrics.requests.labels(path, str(status)).inc()
            values: dict[str, Any] = {
                "method": scope["method"],
                "path": path,
                "status": status,
                "milliseconds": round(1000 * (time.monotonic() - started)),
            }
            log("request", values | scope.get("edgelingua", {}))
