"""JSON objects: their strings are compressed, everything else stays as it is.

The strings go through the compressor as they read, not as they are written in JSON, and come back
into a copy of the object: no escape can break, and no comma inside a string is mistaken for syntax.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgelingua.compat.quirks_json import read_config
from edgelingua.errors import InputError
from edgelingua.prompt import SEPARATOR, Prompt, Segment

_KINDS: dict[str, type | tuple[type, ...]] = {
    "str": object,
    "string": object,
    "int": int,
    "integer": int,
    "float": (int, float),
    "number": (int, float),
    "bool": bool,
    "boolean": bool,
    "list": (list, tuple),
    "List": (list, tuple),
    "tuple": (list, tuple),
    "dict": dict,
    "dictionary": dict,
}


@dataclass
class Plan:
    """An object on its way through a compressor.

    ``strings``: the numbers of the segments that are compressed, with the path of keys to each.
    """

    data: dict[str, Any]
    removable: set[str]
    segments: list[Segment] = field(default_factory=list)
    strings: list[tuple[int, list[str | int]]] = field(default_factory=list)

    def prompt(self, question: str) -> Prompt:
        """Return the prompt; the question guides and is not part of the object."""
        asked = [Segment(SEPARATOR, "instruction"), Segment(question, "question")]
        return Prompt((*self.segments, *(asked if question else ())))

    def result(self, texts: Sequence[str], *, drop_empty: bool) -> tuple[dict[str, Any], str, str]:
        """Return the object with the strings compressed, and the JSON before and after.

        ``drop_empty``: pairs that may be removed go when nothing is left of them.
        """
        data = copy.deepcopy(self.data)
        for segment, path in self.strings:
            target: Any = data
            for key in path[:-1]:
                target = target[key]
            kept = texts[segment]
            target[path[-1]] = kept if kept == target[path[-1]] else kept.strip()
        if drop_empty:
            data = {k: v for k, v in data.items() if k not in self.removable or _left(v)}
        return data, _dump(self.data), _dump(data)


def plan(
    data: Mapping[str, Any],
    config: str | Mapping[str, Mapping[str, Any]],
    rate: float,
    *,
    competing: bool,
) -> Plan:
    """Plan what to compress.

    Parameters
    ----------
    data, config
        See `PromptCompressor.compress_json`.
    rate
        Where the configuration gives none.
    competing
        What may be removed has no rate of its own but what the others leave.

    Raises
    ------
    InputError
        The data is no object, its keys are not those of the configuration, or a value is not of
        the type that the configuration says.
    """
    entries = read_config(config)
    if not isinstance(data, Mapping):
        raise InputError(f"json_data: expected an object, got {data!r:.60}")
    if set(data) != set(entries):
        odd = sorted(str(key) for key in set(data) ^ set(entries))
        raise InputError(
            f"json_data and json_config: expected the same keys; only one has {', '.join(odd)}"
        )
    try:
        copied: dict[str, Any] = json.loads(json.dumps(dict(data)))
    except (TypeError, ValueError) as error:
        raise InputError(f"json_data is not JSON: {error}") from None
    made = Plan(copied, {key for key in data if entries[key].get("pair_remove", False)})
    for key, written in copied.items():
        entry = entries[key]
        kind = entry.get("value_type", "str")
        number = isinstance(written, bool | int | float)
        value = str(written) if number and kind in ("str", "string") else written
        copied[key] = value
        if kind not in _KINDS:
            raise InputError(
                f"json_config[{key!r}]: value_type {kind!r}; expected one of {', '.join(_KINDS)}"
            )
        if not isinstance(value, _KINDS[kind]):
            raise InputError(f"json_data[{key!r}]: {value!r:.60} is no {kind}, as configured")
        own = entry.get("rate", rate)
        if isinstance(own, bool) or not isinstance(own, int | float) or not 0 < own <= 1:
            raise InputError(
                f"json_config[{key!r}]: rate {own!r}; expected a number above 0 and at most 1"
            )
        compress = bool(entry.get("compress", True)) and own < 1
        # What may be removed competes for its place; the rest keeps its own rate.
        keep = None if competing and key in made.removable else float(own)
        made.segments.append(Segment(f"{json.dumps(key, ensure_ascii=False)}: ", "instruction"))
        _walk(made, value, [key], keep, compress=compress)
        made.segments.append(Segment(",\n", "instruction"))
    return made


def _walk(
    made: Plan, value: Any, path: list[str | int], rate: float | None, *, compress: bool
) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            made.segments.append(Segment(f"{key}: ", "instruction"))
            _walk(made, inner, [*path, key], rate, compress=compress)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _walk(made, inner, [*path, index], rate, compress=compress)
    elif isinstance(value, str) and compress and value.strip():
        made.strings.append((len(made.segments), path))
        made.segments.append(Segment(value, "context", rate=rate))
        made.segments.append(Segment("; ", "instruction"))
    else:
        made.segments.append(Segment(_dump(value), "instruction"))


def _left(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_left(inner) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(_left(inner) for inner in value)
    return value not in ("", None)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
