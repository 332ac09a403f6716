"""Requests served: admitted, prepared, then answered in one piece or as it is written."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send

from edgelingua.integrations.server.answering import Answerer
from edgelingua.integrations.server.bodies import Body, header
from edgelingua.integrations.server.connection import while_connected
from edgelingua.integrations.server.limits import read_json
from edgelingua.integrations.server.metrics import Metrics
from edgelingua.integrations.server.options import ServerOptions
from edgelingua.integrations.server.patience import Patience
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.replies import Pieces, as_events, in_one
from edgelingua.integrations.server.requests import Request
from edgelingua.integrations.server.savings import Savings
from edgelingua.integrations.server.worker import Worker
from edgelingua.integrations.server.written import Piece
from edgelingua.llama.model import Sampling

Parse = Callable[[Any, Sampling, int], Request]
"""Reads a body: its JSON, how tokens are drawn by default, the longest answer."""


class Service:
    """What all endpoints share."""

    def __init__(self, answerer: Answerer, options: ServerOptions) -> None:
        self.answerer = answerer
        self.options = options
        self.worker = Worker(options.waiting)
        self.metrics = Metrics()
        self.savings = Savings()
        self.metrics.clients.set_function(lambda: self.worker.clients)
        self.metrics.sessions.set_function(lambda: len(answerer.pool))

    def check_model(self, name: str) -> None:
        """Raise `ApiError` for a model that is not here."""
        if name != self.options.name:
            raise ApiError(
                f"The model {name[:64]!r} does not exist; this server has {self.options.name!r}.",
                status=404,
                code="model_not_found",
                param="model",
            )


class Endpoint:
    """Answers requests of one kind.

    Parameters
    ----------
    service
        What all endpoints share.
    parse
        Reads a request's body.
    """

    def __init__(self, service: Service, parse: Parse) -> None:
        self._service = service
        self._parse = parse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, as ASGI calls it."""
        service, options = self._service, self._service.options
        patience = Patience(options.seconds)
        try:
            body = await read_json(HttpRequest(scope, receive), int(options.body_mb * 1e6))
        except ClientDisconnect:
            return
        request = self._parse(body, options.sampling, options.max_tokens)
        service.check_model(request.model)
        with service.worker.admitted():
            await while_connected(receive, self._serve(request, patience, scope, send))

    async def _serve(self, request: Request, patience: Patience, scope: Scope, send: Send) -> None:
        answerer, worker = self._service.answerer, self._service.worker
        started = time.monotonic()
        laid = await worker.call(lambda: answerer.prepare(request, patience), patience)
        body, headers = Body(request, laid), header(laid)
        async with aclosing(
            worker.stream(lambda: answerer.write(request, laid, patience), patience)
        ) as written:
            pieces = self._first_timed(written, started)
            if request.stream:
                finishes = await as_events(pieces, body, headers, send)
            else:
                finishes = await in_one(pieces, body, headers, scope, send)
        if finishes:
            self._service.metrics.answered(laid, finishes)
            self._service.savings.answered(request.model, laid, finishes)
            scope["edgelingua"] = {
                "stream": request.stream,
                "tokens_before": laid.before,
                "tokens_read": len(laid.tokens),
                "reason": finishes[0].reason,
                "cached": finishes[0].cached,
                "written": sum(finish.written for finish in finishes),
                "evicted": sum(finish.evicted for finish in finishes),
            }

    async def _first_timed(self, pieces: Pieces, started: float) -> Pieces:
        waiting = True
        async for piece in pieces:
            if waiting and isinstance(piece, Piece) and (piece.text or piece.calls):
                self._service.metrics.first_token.observe(time.monotonic() - started)
                waiting = False
            yield piece
