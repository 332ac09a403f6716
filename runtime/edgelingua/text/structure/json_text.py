"""JSON inside text: where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_START = re.compile(
    r'(?<![A-Za-z0-9_])(?:\{\s*+["}]|\[\s*+(?:["{\[\]\-0-9]|true\b|false\b|null\b))'
)
# Numbers are not made: neither their value nor their size matters here.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
_PATIENCE = 8
"""Failed attempts may read this many times the text; then what one has read is not tried again."""
_ATTEMPT = 300
"""What failing costs by itself, in characters that could have been read."""
_TOO_DEEP = 4096
_WINDOW = 4096
"""Characters tried first. An error is told with its line, which is counted from the start."""
_AT_THE_END = 16
"""What is cut off by a window fails this near to its end: a number, a literal, an escape."""

_CALL = {"tool_calls", "function_call"}
_ARGUMENTS = {"arguments", "parameters", "input", "args"}


@dataclass(frozen=True)
class JsonValue:
    """An object or array that stands in a text, and whether it calls a tool."""

    start: int
    end: int
    calls: bool


def find_json(text: str, start: int, end: int) -> Iterator[JsonValue]:
    """Yield the JSON objects and arrays between ``start`` and ``end``.

    A list without a string or another value inside it, such as the citation ``[1, 2]``, and an
    empty object or list count for nothing. Time grows with the length of the text, whatever is in
    it.
    """
    piece = text[start:end]
    patience = _PATIENCE * max(len(piece), 100_000)
    spent = at = 0
    while (match := _START.search(piece, at)) is not None:
        begin = match.start()
        value, length = _decode(piece, begin)
        if value is not None:
            if _counts(value):
                yield JsonValue(start + begin, start + begin + length, _calls(value))
            at = begin + length
            continue
        spent += length + _ATTEMPT
        at = begin + (max(length, 64) if spent > patience else 1)


def _decode(text: str, begin: int) -> tuple[object | None, int]:
    """Return the object or array at ``begin`` or ``None``, and how many characters were read."""
    size = _WINDOW
    while True:
        window = text[begin : begin + size]
        try:
            return _DECODER.raw_decode(window)
        except RecursionError:
            return None, _TOO_DEEP
        except json.JSONDecodeError as error:
            # An open string is reported where it starts, but was read to the end.
            read = len(window) if error.msg.startswith("Unterminated") else error.pos
            if begin + size >= len(text) or read < len(window) - _AT_THE_END:
                return None, read
        size *= 16


def _counts(value: object) -> bool:
    if isinstance(value, list):
        # Numbers are strings here, but so are strings: what holds neither is a list of marks.
        return any(isinstance(item, dict | list) and item for item in value) or any(
            isinstance(item, str) and not _is_number(item) for item in value
        )
    return bool(value)


def _is_number(item: str) -> bool:
    return item.lstrip("-")[:1].isdigit()


def _calls(value: object) -> bool:
    """Whether a value is a call, a message with calls, or a list of calls."""
    if isinstance(value, list):
        return bool(value) and all(_calls(item) for item in value)
    if not isinstance(value, dict):
        return False
    keys = value.keys()
    return bool(keys & _CALL or ("name" in keys and keys & _ARGUMENTS)) or _calls(
        value.get("function")
    )
