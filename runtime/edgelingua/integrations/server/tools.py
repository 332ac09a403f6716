"""``tools``, ``tool_choice`` and ``parallel_tool_calls``, checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgelingua.errors import InputError
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.values import flag, mapping, plain, wrong_type
from edgelingua.llama.json_grammar import MOST_CHARACTERS, json_grammar

MOST = 128
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass(frozen=True)
class Tools:
    """What a model may call.

    ``definitions`` are functions as OpenAI's clients write them: ``name``, ``description``,
    ``parameters``, a JSON schema. ``wanted`` are the names of those of which one has to be called,
    if any has to; ``several``, whether one answer may call more than one.
    """

    definitions: tuple[Mapping[str, Any], ...]
    wanted: tuple[str, ...] = ()
    several: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """What the tools are called."""
        return tuple(one["name"] for one in self.definitions)


def read(body: Mapping[str, Any]) -> Tools | None:
    """Return the tools of a request; ``None`` where it has none, or none may be called.

    Raises
    ------
    ApiError
        They are no functions, or the choice is none of them.
    """
    value = body.get("tools") or []
    if not isinstance(value, list):
        raise wrong_type("tools", "a list of tools", value)
    if len(value) > MOST:
        raise _wrong("tools", f"expected at most {MOST} tools, got {len(value)}")
    if (size := len(json.dumps(value))) > MOST_CHARACTERS:
        raise _wrong("tools", f"expected at most {MOST_CHARACTERS:,} characters, got {size:,}")
    definitions = tuple(_definition(one, f"tools[{at}]") for at, one in enumerate(value))
    names = [one["name"] for one in definitions]
    if len(set(names)) < len(names):
        raise _wrong("tools", "two have the same name")
    wanted = _wanted(body.get("tool_choice"), names)
    several = body.get("parallel_tool_calls") is None or flag(body, "parallel_tool_calls")
    if not definitions or wanted is None:
        return None
    return Tools(definitions, wanted, several)


def _definition(value: Any, where: str) -> Mapping[str, Any]:
    tool = mapping(value, where)
    if tool.get("type") != "function":
        raise _wrong(f"{where}.type", "expected 'function'; this server runs no tools of its own")
    function = mapping(tool.get("function"), f"{where}.function")
    name = function.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _wrong(
            f"{where}.function.name", "expected up to 64 letters, digits, hyphens and underscores"
        )
    description = function.get("description") or ""
    if not isinstance(description, str):
        raise wrong_type(f"{where}.function.description", "a text", description)
    plain(description, f"{where}.function.description")
    parameters = mapping(function.get("parameters"), f"{where}.function.parameters")
    plain(json.dumps(parameters, ensure_ascii=False), f"{where}.function.parameters")
    if flag(function, "strict"):
        try:
            json_grammar(parameters)
        except InputError as error:
            raise ApiError(
                f"Invalid schema for '{where}.function.parameters': {error}.",
                code="invalid_function_parameters",
                param=f"{where}.function.parameters",
            ) from None
    told = {"name": name, "description": description, "parameters": parameters}
    return {key: value for key, value in told.items() if value or key == "name"}


def _wanted(choice: Any, names: list[str]) -> tuple[str, ...] | None:
    """Return which tools must be called: any of several, or none of them; ``None``: none may be."""
    where = "tool_choice"
    if choice is None or choice == "auto":
        return ()
    if choice == "none":
        return None
    if choice == "required":
        if not names:
            raise _wrong(where, "'required' without 'tools'")
        return tuple(names)
    if isinstance(choice, str):
        raise _wrong(where, "expected 'none', 'auto', 'required' or a function of 'tools'")
    named = mapping(choice, where)
    name = mapping(named.get("function"), f"{where}.function").get("name")
    if named.get("type") != "function" or name not in names:
        raise _wrong(where, "expected {'type': 'function', 'function': {'name': one of 'tools'}}")
    return (str(name),)


def _wrong(param: str, why: str) -> ApiError:
    return ApiError(f"Invalid {param!r}: {why}.", code="invalid_value", param=param)
