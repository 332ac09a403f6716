"""Grammars of JSON schemas, by llama-cpp-python's converter, of what it gets right."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from edgelingua.errors import InputError
from edgelingua.llama.json_schema import PlainSchema
from edgelingua.llama.library import llama_cpp

MOST_CHARACTERS = 100_000
"""Of a schema."""


def json_grammar(schema: Any, *, exact: bool = True) -> str:
    """Return the grammar (GBNF) of the JSON that fits a schema, without needless white space.

    Parameters
    ----------
    schema
        A JSON schema, parsed.
    exact
        Refuse what a grammar cannot hold to, as ``minimum``; else leave it aside.

    Raises
    ------
    InputError
        No schema, or one with parts that cannot be held to; it names them.
    """
    try:
        size = len(json.dumps(schema))
        if size > MOST_CHARACTERS:
            raise InputError(f"a schema of {size} characters: expected at most {MOST_CHARACTERS}")
        return _rules(PlainSchema(schema, exact).whole())
    except RecursionError:
        raise InputError("the schema is nested too deeply") from None
    except (AssertionError, KeyError, TypeError, ValueError, re.error) as error:
        raise InputError(f"the schema cannot be made a grammar: {str(error)[:200]}") from None


def calls_grammar(functions: Sequence[Mapping[str, Any]], arguments: str = "arguments") -> str:
    """Return a rule ``call`` (GBNF) for JSON that calls one of these functions by its name.

    Parameters
    ----------
    functions
        Each with a ``name`` and, it may be, ``parameters``, a JSON schema. What of that a grammar
        cannot hold to is left aside.
    arguments
        The property that holds the arguments.
    """
    calls: list[dict[str, Any]] = []
    definitions: dict[str, Any] = {}
    for number, function in enumerate(functions):
        properties = {"name": {"enum": [function["name"]]}, arguments: {"type": "object"}}
        with suppress(InputError):
            schema = function.get("parameters") or {"type": "object"}
            json_grammar(schema, exact=False)
            plain = PlainSchema(schema, False, prefix=f"of-{number}-").whole()
            definitions |= plain.pop("$defs", {})
            if plain.get("type") == "object":
                properties[arguments] = plain
        calls.append({"type": "object", "properties": properties, "required": list(properties)})
    rules = _rules({"anyOf": calls, "$defs": definitions})
    return re.sub(r"^root ::=", "call ::=", rules, flags=re.M)


def _rules(plain: Mapping[str, Any]) -> str:
    rules: str = llama_cpp.llama_grammar.json_schema_to_gbnf(json.dumps(plain))
    # The converter's strings may hold line breaks as they are, which JSON forbids.
    return rules.replace('char ::= [^"\\\\] |', 'char ::= [^"\\\\\\x00-\\x1F] |')
