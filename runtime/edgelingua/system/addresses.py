"""Addresses of servers, as people write them."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from edgelingua.errors import InputError


def is_url(name: object) -> bool:
    """Return whether a reader is named by an address, and not by a file or a known name."""
    return str(name).lower().startswith(("http://", "https://"))


def check_url(url: str, what: str) -> None:
    """Raise `InputError` unless ``url`` is a server's address without a password.

    ``what`` it is: ``the upstream``.
    """
    try:
        parts = urlsplit(url)
        said = bool(parts.hostname) and (parts.port is None or parts.port > 0) and " " not in url
    except ValueError:
        said = False
    if not said or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise InputError(
            f"{what} is no address: expected http://HOST:PORT or https://HOST, with a path if it "
            "has one"
        )
    if parts.username is not None or parts.password is not None:
        raise InputError(f"{what}'s address has a password in it: give a key apart from it")


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
