"""The proxy's ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from edgelingua.compressors import Compressor
from edgelingua.integrations.proxy.asking import Asking
from edgelingua.integrations.proxy.dialects import last_words, tell
from edgelingua.integrations.proxy.metrics import ProxyMetrics
from edgelingua.integrations.proxy.options import ProxyOptions
from edgelingua.integrations.proxy.passing import Passing
from edgelingua.integrations.proxy.squeezing import Squeezer
from edgelingua.integrations.proxy.state import State
from edgelingua.integrations.proxy.upstream import Upstream
from edgelingua.integrations.server import guard, page
from edgelingua.integrations.server.door import METRICS, Door, health
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.savings import Savings
from edgelingua.system.addresses import is_loopback

KEY = b"x-edgelingua-key"
"""Where clients say the proxy's own key: ``Authorization`` is for whoever stands behind it."""

PAGE = "/edgelingua"
"""Where the page is: ``/`` may be the upstream's."""

_NAMED = (
    "/api/chat",
    "/api/generate",
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/messages",
    "/v1/models",
)
"""Paths that logs and metrics name, beside the proxy's own."""


def create_app(compressor: Compressor, state: State, options: ProxyOptions) -> ASGIApp:
    """Return the application that stands in front of another server.

    Parameters
    ----------
    compressor, state
        What cuts texts, and what knows which were sent; the application closes it at its end.
    options
        How it behaves.
    """
    squeezer = Squeezer(compressor, state, options)
    upstream = Upstream(options.upstream, options.seconds)
    counters = ProxyMetrics()
    savings = Savings(state.folder)
    passing = Passing(squeezer, upstream, counters, savings)
    asking = Asking(squeezer, savings)
    counters.clients.set_function(lambda: passing.admission.clients)

    async def metrics(_: HttpRequest) -> Response:
        return Response(counters.page(), media_type=METRICS)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await upstream.close()
        await asyncio.to_thread(squeezer.worker.close)
        state.close()
        savings.close()

    own = [
        Route("/v1/compress", asking.compress, methods=["POST"]),
        Route("/v1/recover", asking.recover, methods=["POST"]),
        Route("/v1/savings", savings.reply),
        Route("/healthz", health),
        Route("/metrics", metrics),
        *page.routes(PAGE),
    ]
    app = Starlette(
        routes=[*own, Route("/{path:path}", passing)],
        exception_handlers=dict.fromkeys(
            (ApiError, HTTPException, RecursionError, Exception), tell
        ),
        lifespan=lifespan,
    )

    def check(headers: dict[bytes, bytes], path: str) -> None:
        guard.check(headers, path, options.api_key, KEY, free=page.paths(PAGE))
        try:
            origin = urlsplit(headers.get(b"origin", b"").decode("latin-1"))
        except ValueError:  # no address at all
            origin = urlsplit("")
        own = options.api_key is not None and origin.netloc.encode() == headers.get(b"host")
        if b"origin" in headers and not own and not is_loopback(origin.hostname or ""):
            raise ApiError(
                "Pages of other sites may not ask here.", status=403, code="origin_not_allowed"
            )

    return Door(
        app,
        counters,
        paths=[*_NAMED, *(route.path for route in own)],
        check=check,
        told=tell,
        last_words=last_words,
    )
