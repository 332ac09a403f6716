"""Values of a request's fields, checked: the right type, the right range, plain text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from edgelingua.errors import described
from edgelingua.integrations.server.problems import ApiError

MOST_PINS = 256

MOST_CHARACTERS = 2000
"""Of a text that is looked for in others."""


def json_object(body: Any) -> Mapping[str, Any]:
    """Return a body that is an object."""
    if not isinstance(body, dict):
        raise wrong_type("body", "a JSON object", body)
    return body


def number(body: Mapping[str, Any], name: str, low: float, high: float) -> float | None:
    """Return the number of a field, ``low`` to ``high``; ``None`` where there is none."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(name, "a number", value)
    if not low <= value <= high or not math.isfinite(value):
        raise out_of_range(name, f"{low:g} to {high:g}", value)
    return float(value)


def whole(
    body: Mapping[str, Any], name: str, low: int | None = None, high: int | None = None
) -> int | None:
    """Return the whole number of a field, ``low`` to ``high``; ``None`` where there is none."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(name, "a whole number", value)
    if low is not None and high is not None and not low <= value <= high:
        raise out_of_range(name, f"{low} to {high}", value)
    if low is not None and value < low:
        raise out_of_range(name, f"at least {low}", value)
    return value


def flag(body: Mapping[str, Any], name: str) -> bool:
    """Return whether a field says true."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise wrong_type(name, "true or false", value)
    return bool(value)


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """Return an object; an empty one for null."""
    if value is not None and not isinstance(value, dict):
        raise wrong_type(name, "an object", value)
    return value or {}


def strings(value: Any, name: str, most: int) -> tuple[str, ...]:
    """Return the texts of a field that takes one or several, none of them empty."""
    if value is None:
        return ()
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise wrong_type(name, "a text or a list of texts", value)
    if len(found) > most:
        raise out_of_range(name, f"at most {most} texts", len(found))
    if "" in found:
        raise ApiError(f"Invalid {name!r}: an empty text.", code="invalid_value", param=name)
    longest = max(map(len, found), default=0)
    if longest > MOST_CHARACTERS:
        raise out_of_range(name, f"texts of at most {MOST_CHARACTERS} characters", longest)
    return tuple(plain(text, name) for text in found)


def said(body: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Return the text of a field; the default, or an error, where there is none."""
    value = default if body.get(name) is None else body[name]
    if value is None:
        raise missing(name)
    if not isinstance(value, str):
        raise wrong_type(name, "a text", value)
    return plain(value, name)


def plain(text: str, name: str) -> str:
    """Return a text that can be tokenized.

    Raises
    ------
    ApiError
        It holds NULs or halves of surrogate pairs, as no text does.
    """
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ApiError(
            f"Invalid {name!r}: expected text, got NUL characters or halves of surrogate pairs.",
            code="invalid_value",
            param=name,
        )
    return text


def wrong_type(name: str, expected: str, value: Any) -> ApiError:
    """Return the error for a value of another type."""
    return ApiError(
        f"Invalid type for {name!r}: expected {expected}, got {described(value)}.",
        code="invalid_type",
        param=name,
    )


def out_of_range(name: str, expected: str, value: Any) -> ApiError:
    """Return the error for a value out of range."""
    return ApiError(
        f"Invalid {name!r}: expected {expected}, got {described(value)}.",
        code="invalid_value",
        param=name,
    )


def missing(name: str) -> ApiError:
    """Return the error for a field that has to be there."""
    return ApiError(
        f"Missing required parameter: {name!r}.", code="missing_required_parameter", param=name
    )
