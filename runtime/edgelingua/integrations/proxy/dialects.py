"""The interfaces that are understood: which path is whose, and what an error looks like there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from edgelingua.integrations.server.door import as_told
from edgelingua.integrations.server.problems import ApiError

Name = Literal["openai", "anthropic", "ollama"]


@dataclass(frozen=True)
class Dialect:
    """Whose interface a request speaks, and whether it brings messages or one text."""

    name: Name
    chat: bool


_PATHS = {
    "/chat/completions": Dialect("openai", True),
    "/completions": Dialect("openai", False),
    "/v1/messages": Dialect("anthropic", True),
    "/api/chat": Dialect("ollama", True),
    "/api/generate": Dialect("ollama", False),
}
"""By how paths end: vendors put their own before it. The longest come first."""

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
}
"""What Anthropic calls errors."""


def dialect_of(path: str) -> Dialect | None:
    """Return the interface of a path whose requests can be compressed."""
    return next((found for end, found in _PATHS.items() if path.endswith(end)), None)


def error_body(path: str, error: ApiError) -> dict[str, Any]:
    """Return an error as clients of a path read it; OpenAI's form where nothing tells."""
    if path.startswith("/api/"):
        return {"error": str(error)}
    if "/v1/messages" in path:
        kind = _KINDS.get(error.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": str(error)}}
    return error.body()


def tell(http: HttpRequest, error: Exception) -> Response:
    """Write an error as clients of the path read it."""
    told = as_told(error)
    return JSONResponse(error_body(http.url.path, told), told.status, told.headers)


def last_words(path: str, kind: str, error: ApiError) -> bytes | None:
    """Return an error as the end of a stream; ``None`` where a stream of this kind has no place.

    Parameters
    ----------
    path, kind
        What was asked, and the media type of the stream.
    error
        What went wrong.
    """
    data = json.dumps(error_body(path, error))
    if kind == "text/event-stream":
        name = "event: error\n" if "/v1/messages" in path else ""
        return f"\n\n{name}data: {data}\n\n".encode()
    return f"\n{data}\n".encode() if kind == "application/x-ndjson" else None
