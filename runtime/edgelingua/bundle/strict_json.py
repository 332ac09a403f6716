"""JSON from strangers: bounded, unambiguous, and fit to be printed, or refused."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

MAX_BYTES = 4 << 20
"""Largest text read; a manifest with a long search table has some tens of kilobytes."""

MAX_DEPTH = 32
_LARGEST = 1 << 63  # what other readers of JSON hold too

# Control characters move a terminal's cursor, bidirectional ones reorder what is read; half a
# surrogate pair cannot be printed at all. Tabs and line breaks are text.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def parse(raw: bytes) -> Any:
    """Parse UTF-8 JSON (RFC 8259) that means the same to every reader.

    Raises
    ------
    ValueError
        Not JSON or not UTF-8; larger than `MAX_BYTES` or deeper than `MAX_DEPTH`; a key twice in an
        object; NaN, an infinity, or a number beyond 64 bits; a control character in a string.
    """
    if len(raw) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels") from None
    _check(value, MAX_DEPTH)
    return value


def _check(value: Any, depth: int) -> None:
    if depth == 0:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str) and (found := _UNPRINTABLE.search(value)):
        raise ValueError(f"a control character in a string (U+{ord(found[0]):04X})")
    if isinstance(value, dict):
        for key, inner in value.items():
            _check(key, depth - 1)
            _check(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth - 1)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r:.60} twice in one object")
        found[key] = value
    return found


def _int(text: str) -> int:
    if len(text) > 20 or not -_LARGEST <= (value := int(text)) < _LARGEST:
        raise ValueError(f"a number beyond 64 bits: {text:.24}…")
    return value


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"a number beyond 64 bits: {text:.24}")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
