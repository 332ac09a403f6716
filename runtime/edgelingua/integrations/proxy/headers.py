"""Which headers go on to the other side."""

from __future__ import annotations

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

OWN = b"x-edgelingua"
"""Headers that begin so are for this proxy."""

_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Of one connection only: RFC 9110, section 7.6.1."""

_KEYS = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")


def _end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    headers = [(name.lower(), value) for name, value in headers]
    named = {
        word.strip().lower()
        for name, value in headers
        if name == b"connection"
        for word in value.split(b",")
    }
    return [(name, value) for name, value in headers if name not in _HOP | named]


def to_upstream(headers: Iterable[tuple[bytes, bytes]], size: int) -> Headers:
    """Return a request's headers as they go on: all but this connection's and this proxy's.

    Parameters
    ----------
    headers
        As they came.
    size
        Bytes of the body as it goes on; without one, no length is said.
    """
    dropped = (b"host", b"content-length", b"expect")
    kept = [
        (name, value)
        for name, value in _end_to_end(headers)
        if name not in dropped and not name.startswith(OWN)
    ]
    return [*kept, (b"content-length", str(size).encode())] if size else kept


def to_client(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return a response's headers as they go on; the date is the moment when that is."""
    return [(name, value) for name, value in _end_to_end(headers) if name != b"date"]


def credentials(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return all that says who asks, as one: for telling clients apart, and nothing else.

    Cookies count only where there is no key: load balancers change theirs with every answer.
    """
    said = [(name, value) for name, value in headers if name in (*_KEYS, b"cookie")]
    keys = [(name, value) for name, value in said if name in _KEYS]
    return b"\0".join(name + b"\0" + value for name, value in keys or said)
