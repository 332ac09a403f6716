"""``response_format``: what an answer may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgelingua.errors import InputError
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.values import mapping
from edgelingua.llama.json_grammar import json_grammar

_PARAM = "response_format"


def grammar(body: Mapping[str, Any]) -> str:
    """Return the grammar (GBNF) of what a request wants for an answer; nothing for text.

    Raises
    ------
    ApiError
        Another format than ``text``, ``json_object`` and ``json_schema``, or a schema that the
        answer cannot be held to.
    """
    wanted = mapping(body.get(_PARAM), _PARAM)
    kind = wanted.get("type")
    if not wanted or kind == "text":
        return ""
    if kind == "json_object":
        return json_grammar({"type": "object"})
    if kind != "json_schema":
        raise ApiError(
            f"Invalid '{_PARAM}.type': expected 'text', 'json_object' or 'json_schema'.",
            code="invalid_value",
            param=f"{_PARAM}.type",
        )
    where = f"{_PARAM}.json_schema"
    about = mapping(wanted.get("json_schema"), where)
    if "schema" not in about:
        raise ApiError(
            f"Missing required parameter: '{where}.schema'.",
            code="missing_required_parameter",
            param=f"{where}.schema",
        )
    try:
        return json_grammar(about["schema"])
    except InputError as error:
        raise ApiError(
            f"Invalid schema for '{where}': {error}.", code="invalid_json_schema", param=where
        ) from None
