"""Who may ask: those who have the key, and pages of no other site."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from edgelingua.integrations.server.problems import ApiError
from edgelingua.system.addresses import is_loopback

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

_HEALTH = "/healthz"
"""Needs no key."""


def check(
    headers: dict[bytes, bytes],
    path: str,
    key: str | None,
    header: bytes = b"authorization",
    free: Collection[str] = (),
) -> None:
    """Raise `ApiError` for a request that is not let in; the ``free`` paths need no key.

    With a key, it has to say it. Without one, the server listens to this machine only, and a page
    of another site whose name was made to point here (DNS rebinding) gives itself away by that
    name.
    """
    if key is None:
        host = headers.get(b"host", b"").decode("latin-1")
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        if not is_loopback(name.strip("[]").lower()):
            raise ApiError(
                "This server answers to localhost and 127.0.0.1 only; give it a key to use another "
                "name (--api-key).",
                status=403,
                code="host_not_allowed",
            )
        return
    if path == _HEALTH or path in free:
        return
    given, told, challenge = headers.get(header, b""), f"{header.decode()}: KEY", header.decode()
    if header == b"authorization":
        scheme, _, given = given.partition(b" ")
        given = given if scheme.lower() == b"bearer" else b""
        told, challenge = "Authorization: Bearer KEY", "Bearer"
    if not hmac.compare_digest(given.strip(), key.encode()):
        raise ApiError(
            f"Incorrect API key provided: expected '{told}' with this server's key.",
            status=401,
            code="invalid_api_key",
            headers={"WWW-Authenticate": challenge},
        )
