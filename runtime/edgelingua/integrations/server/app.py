"""The server's ASGI application."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from edgelingua.integrations.server import guard, page
from edgelingua.integrations.server.answering import Answerer
from edgelingua.integrations.server.compression import Compression
from edgelingua.integrations.server.door import METRICS, Door, health, tell
from edgelingua.integrations.server.options import ServerOptions
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.requests import chat_request, completion_request
from edgelingua.integrations.server.service import Endpoint, Service
from edgelingua.integrations.server.tokens import tokenizing


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

    async def metrics(_: HttpRequest) -> Response:
        return Response(service.metrics.page(), media_type=METRICS)

    tokenize = tokenizing(answerer.reader, int(options.body_mb * 1e6))
    compression = Compression(
        answerer.compressor,
        service.worker,
        options,
        service.savings,
        model=options.name,
        check_model=service.check_model,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(service.worker.close)
        service.savings.close()

    app = Starlette(
        routes=[
            Route("/v1/chat/completions", Endpoint(service, chat_request), methods=["POST"]),
            Route("/v1/completions", Endpoint(service, completion_request), methods=["POST"]),
            Route("/v1/compress", compression, methods=["POST"]),
            Route("/tokenize", tokenize, methods=["POST"]),
            Route("/v1/savings", service.savings.reply),
            Route("/v1/embeddings", embeddings, methods=["POST"]),
            Route("/v1/models", models),
            Route("/v1/models/{name:path}", one_model),
            Route("/healthz", health),
            Route("/metrics", metrics),
            *page.routes(),
        ],
        exception_handlers=dict.fromkeys(
            (ApiError, HTTPException, RecursionError, Exception), tell
        ),
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return Door(
        app,
        service.metrics,
        paths=[route.path for route in app.routes if isinstance(route, Route)],
        check=lambda headers, path: guard.check(headers, path, options.api_key, free=page.paths()),
    )
