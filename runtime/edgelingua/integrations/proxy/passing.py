"""Requests passed on, and their answers passed back, byte for byte."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import httpx
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send

from edgelingua.integrations.proxy.dialects import dialect_of, last_words
from edgelingua.integrations.proxy.headers import OWN, Headers, to_client, to_upstream
from edgelingua.integrations.proxy.metrics import ProxyMetrics
from edgelingua.integrations.proxy.preparing import Prepared, prepare, report
from edgelingua.integrations.proxy.squeezing import Squeezer
from edgelingua.integrations.proxy.upstream import Upstream
from edgelingua.integrations.server.connection import while_connected
from edgelingua.integrations.server.limits import read_body
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.savings import Saved, Savings
from edgelingua.integrations.server.worker import Admission

_DOTS = re.compile(rb"(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:[/\\?]|%2f|%5c|$)", re.IGNORECASE)
"""Steps up and down in a path, which lead out of the upstream's."""

_MOST_IDS = 32
"""Ids named in a header."""


class Passing:
    """Passes all requests on.

    Parameters
    ----------
    squeezer, upstream
        What cuts texts, and who is asked.
    metrics, savings
        What counts.
    """

    def __init__(
        self, squeezer: Squeezer, upstream: Upstream, metrics: ProxyMetrics, savings: Savings
    ) -> None:
        self._squeezer = squeezer
        self._upstream = upstream
        self._metrics = metrics
        self._savings = savings
        self.admission = Admission(squeezer.options.clients)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, as ASGI calls it."""
        http = HttpRequest(scope, receive)
        target = scope["raw_path"].partition(b"?")[0]
        if _DOTS.search(target):
            raise ApiError("The path has steps in it ('..'): expected a plain one.", status=400)
        if query := scope["query_string"]:
            target += b"?" + query
        with self.admission.admitted():
            try:
                body = await read_body(http, int(self._squeezer.options.body_mb * 1e6))
            except ClientDisconnect:
                return
            await while_connected(receive, self._pass(http, target, body, send))

    async def _pass(self, http: HttpRequest, target: bytes, body: bytes, send: Send) -> None:
        started = time.monotonic()
        scope, raw = http.scope, http.scope["headers"]
        dialect = dialect_of(scope["path"]) if scope["method"] == "POST" else None
        if dialect:
            prepared = await prepare(body, http.headers, dialect, self._squeezer)
        else:
            prepared = Prepared(body)
        if done := prepared.squeezed:
            self._metrics.passed(done)
            left_out = max(0, done.before - done.after)
            read = Saved(answers=1, tokens_left_out=left_out, tokens_read=done.after)
            self._savings.add(prepared.model, read)
            scope["edgelingua"] = {
                "tokens_before": done.before,
                "tokens_after": done.after,
                "compressed": len(done.changes),
                "failed": done.failed,
            }
        headers = to_upstream(raw, len(prepared.content))
        if prepared.report:  # which can be written into what is not packed only
            headers = [(name, value) for name, value in headers if name != b"accept-encoding"]
        async with self._upstream.ask(
            scope["method"], target, headers, prepared.content
        ) as response:
            self._metrics.first_token.observe(time.monotonic() - started)
            if prepared.report and _takes_report(response):
                await self._with_report(response, prepared, send)
            else:
                await self._back(response, prepared, scope["path"], send)

    async def _back(
        self, response: httpx.Response, prepared: Prepared, path: str, send: Send
    ) -> None:
        """Pass an answer back as it comes."""
        headers = _headers(response, prepared)
        await send(
            {"type": "http.response.start", "status": response.status_code, "headers": headers}
        )
        try:
            async for chunk in response.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except httpx.HTTPError as error:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            words = last_words(path, kind, self._upstream.told(error))
            if words is None or "content-length" in response.headers:
                raise  # the connection breaks off here as it did there
            await send({"type": "http.response.body", "body": words, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _with_report(self, response: httpx.Response, prepared: Prepared, send: Send) -> None:
        """Pass an answer back with what became of the request in it."""
        try:
            content = await response.aread()
        except httpx.HTTPError as error:
            raise self._upstream.told(error) from None
        try:
            body: Any = json.loads(content)
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, dict) and prepared.squeezed:
            content = json.dumps(body | {"edgelingua": report(prepared.squeezed)}).encode()
        headers = [h for h in _headers(response, prepared) if h[0] != b"content-length"]
        headers.append((b"content-length", str(len(content)).encode()))
        status = response.status_code
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content, "more_body": False})


def _takes_report(response: httpx.Response) -> bool:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" and "content-encoding" not in response.headers


def _headers(response: httpx.Response, prepared: Prepared) -> Headers:
    """Return the headers of an answer, and what became of the request."""
    theirs, done = to_client(response.headers.raw), prepared.squeezed
    if not done:
        return theirs
    theirs = [(name, value) for name, value in theirs if not name.startswith(OWN)]
    ids = ", ".join(change.id for change in done.changes[-_MOST_IDS:])
    named = [(OWN + b"-ids", ids.encode())] if ids else []
    return [*theirs, (OWN, done.header), *named]
