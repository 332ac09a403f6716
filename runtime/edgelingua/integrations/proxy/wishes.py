"""What a request wants of the proxy: its field ``edgelingua``, and headers."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers

from edgelingua.integrations.proxy.choosing import Wishes
from edgelingua.integrations.proxy.options import ProxyOptions
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.values import (
    MOST_PINS,
    flag,
    number,
    out_of_range,
    strings,
    wrong_type,
)

FIELD = "edgelingua"
_KNOWN = ("documents", "pin", "rate", "report")
_HEADER = "x-edgelingua"
_WORDS = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}


def read(body: dict[str, Any], headers: Headers, options: ProxyOptions) -> Wishes:
    """Take the wishes out of a request's body, and read those of its headers; the body's count.

    Raises
    ------
    ApiError
        One is unknown, or has a wrong value.
    """
    own = body.pop(FIELD, None)
    if own is False or (own is None and headers.get(_HEADER, "").strip().lower() == "off"):
        return Wishes(1.0, False, off=True)
    if own is not None and own is not True and not isinstance(own, dict):
        raise wrong_type(FIELD, "an object, or false to be passed on as it is", own)
    said = _said(headers) | (own if isinstance(own, dict) else {})
    for name in said:
        if name not in _KNOWN:
            raise ApiError(
                f"Unknown parameter: {f'{FIELD}.{name[:64]}'!a}. Known: "
                f"{', '.join(f'{FIELD}.{known}' for known in _KNOWN)}.",
                code="unknown_parameter",
                param=f"{FIELD}.{ascii(name[:64])[1:-1]}",
            )
    named = {f"{FIELD}.{name}": value for name, value in said.items()}
    rate = number(named, f"{FIELD}.rate", 0, 1)
    if rate == 0:
        raise out_of_range(f"{FIELD}.rate", "the fraction to keep, above 0 and at most 1", rate)
    documents = flag(named, f"{FIELD}.documents")
    return Wishes(
        rate=options.rate if rate is None else rate,
        documents=documents if "documents" in said else options.documents,
        pins=strings(said.get("pin"), f"{FIELD}.pin", MOST_PINS),
        report=flag(named, f"{FIELD}.report"),
    )


def _said(headers: Headers) -> dict[str, Any]:
    """Read what headers wish; values are words, numbers and texts."""
    said: dict[str, Any] = {}
    for name in _KNOWN:
        value = headers.get(f"{_HEADER}-{name}")
        if value is None:
            continue
        if name == "rate":
            try:
                said[name] = float(value)
            except ValueError:
                raise wrong_type(f"{_HEADER}-rate", "a number", value) from None
        elif name == "pin":
            # HTTP hands headers on as Latin-1; people send UTF-8.
            pins = headers.getlist(f"{_HEADER}-{name}")
            said[name] = [pin.encode("latin-1").decode("utf-8", "replace") for pin in pins]
        elif (word := value.strip().lower()) in _WORDS:
            said[name] = _WORDS[word]
        else:
            raise wrong_type(f"{_HEADER}-{name}", "true or false", value)
    return said
