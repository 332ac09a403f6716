"""The server's own web page: files that are served as they are, and load nothing from elsewhere."""

from __future__ import annotations

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edgelingua.explain import asset

_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}

_INDEX = "index.html"
_OWN = (
    _INDEX,
    "page.css",
    "icon.svg",
    "api.js",
    "ask.js",
    "chat.js",
    "main.js",
    "numbers.js",
    "savings.js",
)
_EXPLAIN = ("marks.css", "pieces.js")
"""From the page that explains a compression."""

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "connect-src 'self'",
        "img-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types explanation",
    )
)

HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def routes(at: str = "") -> list[Route]:
    """Return a route for each file; the page is at ``/``, or at a path ``at`` of its own."""
    own = {name: (files(__package__) / name).read_bytes() for name in _OWN}
    others = {name: asset(name).encode() for name in _EXPLAIN}
    own[_INDEX] = own[_INDEX].replace(b'"/page/', f'"{at}/page/'.encode())
    return [_route(at, name, content) for name, content in (own | others).items()]


def paths(at: str = "") -> frozenset[str]:
    """Return the paths of these; nothing in them is secret."""
    return frozenset(_path(at, name) for name in (*_OWN, *_EXPLAIN))


def _path(at: str, name: str) -> str:
    return at or "/" if name == _INDEX else f"{at}/page/{name}"


def _route(at: str, name: str, content: bytes) -> Route:
    kind = _TYPES[name[name.rindex(".") :]]

    async def serve(_: Request) -> Response:
        return Response(content, headers=HEADERS, media_type=kind)

    return Route(_path(at, name), serve)
