"""JSON schemas, checked and written so that they mean to a converter what they mean to all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from edgelingua.errors import InputError
from edgelingua.llama.json_ways import Ways

ANY: dict[str, Any] = {
    "anyOf": [{"type": name} for name in ("object", "array", "string", "number", "boolean", "null")]
}
MOST_REPEATED = 1000
"""What ``maxLength`` and ``maxItems`` may say: the grammar writes each of them out."""
_NOTES = frozenset(
    {
        *("$comment", "$id", "$schema", "default", "deprecated", "description", "example"),
        *("examples", "readOnly", "strict", "title", "writeOnly"),
    }
)
_KEYWORDS = frozenset(
    {
        *("$defs", "$ref", "definitions", "anyOf", "oneOf", "const", "enum", "type"),
        *("properties", "required", "additionalProperties"),
        *("items", "prefixItems", "minItems", "maxItems"),
        *("format", "pattern", "minLength", "maxLength"),
    }
)
_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_DEFINITION = re.compile(r"#/(\$defs|definitions)/([^/~%]+)")
_BARE = re.compile(r'[^"\\\x00-\x1f\ud800-\udfff\U00010000-\U0010ffff]*')
"""Texts that JSON and GBNF write alike."""


class PlainSchema:
    """A schema in the words that the converter understands as the standard does.

    Parameters
    ----------
    schema
        A JSON schema, parsed.
    exact
        Refuse what a grammar cannot hold to; else leave it aside.
    prefix
        What the names of definitions begin with, so that several schemas can be made one.
    """

    def __init__(self, schema: Any, exact: bool, prefix: str = "") -> None:
        self._exact = exact
        self._prefix = prefix
        self._whole = schema
        self._names: dict[tuple[str, str], str] = {}

    def whole(self) -> dict[str, Any]:
        """Return all of it, with the definitions it uses under names that are no rules'.

        Raises
        ------
        InputError
            No schema, or one with parts that cannot be held to; it names them.
        """
        plain = self._of(self._whole, "the schema")
        written: dict[str, Any] = {}
        while len(written) < len(self._names):
            for (home, name), new in list(self._names.items()):
                if new not in written:
                    found = self._whole.get(home, {})
                    if not isinstance(found, Mapping) or name not in found:
                        raise InputError(f"the schema refers to {name!a}, which it does not define")
                    written[new] = self._of(found[name], f"{home}.{name}")
        if "$ref" in plain:  # beside which the converter reads nothing
            plain = {"anyOf": [plain]}
        ways = Ways(written)
        for part in (plain, *written.values()):
            ways.check(part)
        return plain | {"$defs": written} if written else plain

    def _of(self, part: Any, where: str) -> dict[str, Any]:
        if part is True or part == {}:
            return ANY
        if not isinstance(part, dict):
            raise InputError(f"{where}: expected an object that is a JSON schema")
        odd = sorted(set(part) - _KEYWORDS - _NOTES)
        if odd and self._exact:
            raise InputError(f"{where}: this server cannot hold an answer to {odd[0][:64]!a}")
        part = {key: value for key, value in part.items() if key in _KEYWORDS}
        part = {key: value for key, value in part.items() if key not in ("$defs", "definitions")}
        if not part:
            return ANY
        if "$ref" in part:
            return {"$ref": self._reference(part["$ref"], where)}
        if (options := self._alternatives(part, where)) is not None:
            return options
        kind = part.get("type")
        if kind is None:
            kind = "object" if "properties" in part else "array" if "items" in part else kind
            kind = kind or ("string" if "pattern" in part or "format" in part else None)
        if not isinstance(kind, str) or kind not in _TYPES:
            raise InputError(f"{where}: expected a 'type', one of {', '.join(sorted(_TYPES))}")
        return {"type": kind, **self._details(kind, part, where)}

    def _alternatives(self, part: dict[str, Any], where: str) -> dict[str, Any] | None:
        for name in ("anyOf", "oneOf"):
            if name in part:
                options = part[name]
                if not isinstance(options, list) or not options:
                    raise InputError(f"{where}.{name}: expected a list of schemas")
                return {"anyOf": [self._of(one, f"{where}.{name}") for one in options]}
        for name in ("const", "enum"):
            if name in part:
                return {"enum": self._values(part[name], name, where)}
        kinds = part.get("type")
        if isinstance(kinds, list) and kinds:
            return {"anyOf": [self._of({**part, "type": one}, where) for one in kinds]}
        return None

    def _details(self, kind: str, part: dict[str, Any], where: str) -> dict[str, Any]:
        if kind == "object":
            return self._object(part, where)
        if kind == "array":
            if "prefixItems" in part or isinstance(part.get("items"), list):
                raise InputError(f"{where}: this server cannot hold an answer to 'prefixItems'")
            items = self._of(part.get("items", True), f"{where}.items")
            return {"items": items, **_bounds(part, "minItems", "maxItems", where)}
        if kind == "string":
            bounds = _bounds(part, "minLength", "maxLength", where)
            if "pattern" in part and bounds:
                raise InputError(f"{where}: a 'pattern' and a length cannot be held to together")
            if "pattern" in part:
                return {"pattern": _pattern(part["pattern"], where)}
            return bounds or {key: part[key] for key in ("format",) if key in part}
        return {}

    def _object(self, part: dict[str, Any], where: str) -> dict[str, Any]:
        properties = part.get("properties", {})
        required = part.get("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise InputError(f"{where}: expected 'properties', an object, and 'required', a list")
        if missing := [name for name in required if name not in properties]:
            raise InputError(f"{where}: it requires {str(missing[0])[:64]!a}, not in 'properties'")
        for name in properties:
            if not _BARE.fullmatch(name) or name == "*":
                raise InputError(f"{where}: the property {name[:64]!a} cannot be held to")
        more = part.get("additionalProperties", True)
        if properties:
            if isinstance(more, dict) and self._exact:
                raise InputError(
                    f"{where}: 'additionalProperties' beside 'properties' can only be true or false"
                )
            found = {name: self._of(one, f"{where}.{name}") for name, one in properties.items()}
            return {"properties": found, "required": required}
        if more is True:
            return {}
        more = more and self._of(more, f"{where}.additionalProperties")
        return {"properties": {}, "additionalProperties": more}

    def _reference(self, target: Any, where: str) -> str:
        found = _DEFINITION.fullmatch(target) if isinstance(target, str) else None
        if not found:
            raise InputError(f"{where}: expected a '$ref' to '#/$defs/NAME'")
        key = (found[1], found[2])
        return "#/$defs/" + self._names.setdefault(
            key, f"{self._prefix}definition-{len(self._names)}"
        )

    def _values(self, value: Any, name: str, where: str) -> list[Any]:
        values = [value] if name == "const" else value
        if not isinstance(values, list) or not values:
            raise InputError(f"{where}.{name}: expected a list of values")
        for one in values:
            text = one if isinstance(one, str) else json.dumps(one)
            if isinstance(one, dict | list) or not _BARE.fullmatch(text):
                raise InputError(f"{where}.{name}: the value {text[:64]!a} cannot be held to")
        return values


def _pattern(pattern: Any, where: str) -> str:
    """Return a regular expression without what GBNF would write otherwise."""
    if not isinstance(pattern, str) or not re.fullmatch(r"\^[^\n]*\$", pattern):
        raise InputError(f"{where}.pattern: expected a regular expression from '^' to '$'")
    re.compile(pattern)
    plain = re.sub(r"(\[[^\]]*)\\d", r"\g<1>0-9", pattern)
    for name, members in (("d", "[0-9]"), ("w", "[A-Za-z0-9_]")):
        plain = plain.replace(f"\\{name}", members)
    if re.search(r'["\\]|\(\?|\{\d*,?\d{4}|[*+?}][?+]', plain):
        raise InputError(f"{where}.pattern: of escapes, it may use \\d and \\w; no groups '(?'")
    return plain


def _bounds(part: dict[str, Any], low: str, high: str, where: str) -> dict[str, Any]:
    found = {name: part[name] for name in (low, high) if name in part}
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise InputError(f"{where}.{name}: expected a whole number")
        if not 0 <= value <= MOST_REPEATED:
            raise InputError(f"{where}.{name}: expected 0 to {MOST_REPEATED}, got {value}")
    if found.get(low, 0) > found.get(high, MOST_REPEATED):
        raise InputError(f"{where}: {low} is above {high}")
    return found
