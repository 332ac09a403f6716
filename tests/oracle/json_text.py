"""JSON objects, as llmlingua 0.2.2 turns them into tagged text and back.

White space behind a comma goes, in strings too, and a run of commas becomes one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from edgelingua.errors import InputError
from tests.oracle import structured
from tests.oracle.engine import Engine
from tests.oracle.options import OracleOptions
from tests.oracle.structured import CLOSE, OPEN

_KEPT = f"{OPEN}, compress=False>"
_FIELDS = ("rate", "compress", "value_type", "pair_remove")
_TRUE, _FALSE = ("True", "true", "TRUE", True), ("False", "false", "FALSE", False)


def compress(
    engine: Engine,
    json_data: Mapping[str, Any],
    json_config: Mapping[str, Mapping[str, Any]],
    options: OracleOptions,
) -> dict[str, Any]:
    """Compress the values of an object; ``compressed_prompt`` of the result is one again.

    Raises
    ------
    InputError
        The keys of data and configuration differ, a value is not of its type, or what is left is
        no JSON.
    """
    context, forced = tag(json_data, json_config)
    options = replace(options, force_context_ids=tuple(forced))
    result = structured.compress(engine, context, options)
    text = re.sub(r",+", ",", re.sub(r",\s*", ",", result["compressed_prompt"]))
    try:
        return result | {"compressed_prompt": json.loads(text)}
    except ValueError as error:
        raise InputError(
            f"what is left of the object is no JSON ({error}); llmlingua 0.2.2 fails here too"
        ) from None


def tag(
    data: Mapping[str, Any], config: Mapping[str, Mapping[str, Any]]
) -> tuple[list[str], list[int]]:
    """Return an object's pairs as tagged contexts, and the indices of those that must stay.

    Raises
    ------
    InputError
        The keys of data and configuration differ, or a value is not of its type.
    """
    if not isinstance(data, Mapping) or set(data) != set(config):
        raise InputError("json_data and json_config: expected two objects with the same keys")
    context = [f"{_KEPT}{{{CLOSE}"]
    forced = [0]
    for index, (key, value) in enumerate(data.items()):
        entry = config[key]
        if missing := [field for field in _FIELDS if field not in entry]:
            raise InputError(f"json_config[{key!r}]: lacks {', '.join(missing)}")
        if not entry["pair_remove"]:
            forced.append(index + 1)
        rate = entry["rate"] if entry["compress"] else 1
        context.append(_pair(key, value, entry["value_type"], rate))
    context[-1] = context[-1][: -len(f", {CLOSE}")] + CLOSE
    return [*context, f"{_KEPT}}}{CLOSE}"], [*forced, len(data) + 1]


def _pair(key: str, value: Any, kind: str, rate: float) -> str:
    if rate == 1:
        return f"{_KEPT}{_members({key: value})}, {CLOSE}"
    if kind in ("str", "string"):
        return f"{_KEPT}{_members({key: _compressed(str(value), rate)})}, {CLOSE}"
    if kind in ("bool", "boolean"):
        if value not in _TRUE and value not in _FALSE:
            raise InputError(f"{key}: expected true or false, got a {type(value).__name__}")
        word = "true" if value in _TRUE else "false"
        return f"{_KEPT}{_members({key: _compressed(word, rate)})}, {CLOSE}"
    try:
        if kind in ("int", "integer"):
            return f'{_KEPT}"{key}": {_compressed(int(value), rate)}, {CLOSE}'
        if kind in ("float", "number"):
            return f'{_KEPT}"{key}": {_compressed(float(value), rate)}, {CLOSE}'
    except (TypeError, ValueError):
        raise InputError(
            f"{key}: expected a number ({kind}), got a {type(value).__name__}"
        ) from None
    return f'{_KEPT}"{key}": {_sequence(key, value, kind, rate)}, {CLOSE}'


def _sequence(key: str, value: Any, kind: str, rate: float) -> str:
    """Items as strings; an object's pairs become strings too."""
    if kind in ("dict", "dictionary") and isinstance(value, Mapping):
        items: Iterable[str] = (f"{k}: {v}" for k, v in value.items())
    elif kind in ("list", "List", "tuple") and isinstance(value, (list, tuple)):
        items = map(str, value)
    else:
        raise InputError(f"{key}: value_type {kind!r} does not fit a {type(value).__name__}")
    start, end = "()" if kind == "tuple" else "[]"
    return f'{start}"' + '", "'.join(_compressed(item, rate) for item in items) + f'"{end}'


def _compressed(value: object, rate: float) -> str:
    return f"{CLOSE}{OPEN}, rate={rate}>{value}{CLOSE}{_KEPT}"


def _members(pair: dict[str, Any]) -> str:
    return json.dumps(pair)[1:-1]
