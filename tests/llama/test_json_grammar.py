"""Schemas that can be held to become grammars, and nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edgelingua.errors import InputError

if TYPE_CHECKING:
    from edgelingua.llama.model import LlamaModel

pytestmark = pytest.mark.llama


def accepts(reader: LlamaModel, schema: Any, text: str, *, exact: bool = True) -> bool:
    """Whether a whole text may be written under a schema's grammar."""
    from edgelingua.llama.grammar import Grammar
    from edgelingua.llama.json_grammar import json_grammar

    grammar = Grammar(reader, json_grammar(schema, exact=exact))
    for token in reader.tokenize_part(text).tolist():
        if not grammar.allows(token):
            return False
        grammar.accept(token)
    return grammar.allows(reader.end)


NODE = {
    "type": "object",
    "properties": {"v": {"type": "number"}, "next": {"anyOf": [{"$ref": "#/$defs/string"}, {}]}},
    "required": ["v"],
}


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({}, ["[1]", "null", "true", '"x"', "{}"], ["x", "[1", ""]),
        ({"type": "object"}, ['{"a": [1]}', "{}"], ["[]", '{"a"}']),
        ({"type": ["integer", "null"]}, ["-3", "null"], ["3.5", '"x"']),
        ({"type": "string"}, ['"a b"', '"\\n"', '"é"'], ['"a\nb"', "a"]),
        ({"enum": ["naïve", 3, None]}, ['"naïve"', "3", "null"], ['"x"', "4"]),
        ({"const": "a"}, ['"a"'], ['"b"']),
        ({"type": "string", "minLength": 2, "maxLength": 3}, ['"ab"'], ['"a"', '"abcd"']),
        ({"type": "string", "pattern": "^\\d{2}-[a-z]+$"}, ['"12-x"'], ['"1-x"', '"12-X"']),
        ({"type": "string", "format": "date"}, ['"2026-12-01"'], ['"2026-13-01"']),
        ({"type": "array", "items": {}, "minItems": 2}, ["[1,[]]"], ["[1]"]),
        ({"type": "array", "maxItems": 1}, ["[]", '["a"]'], ["[1,2]"]),
        ({"properties": {"a": {}}, "required": ["a"]}, ['{"a":1}'], ["{}", '{"a":1,"b":2}']),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            ["{}", '{"b":2}'],
            ['{"b":"x"}'],
        ),
        (
            {"$ref": "#/$defs/string", "$defs": {"string": NODE}},
            ['{"v":1}', '{"v":1,"next":{"v":2}}'],
            ['{"next":null}'],
        ),
        ({"type": "object", "properties": {}, "additionalProperties": False}, ["{}"], ['{"a":1}']),
    ],
)
def test_what_fits_can_be_written_and_nothing_else(
    reader: LlamaModel, schema: Any, right: list[str], wrong: list[str]
) -> None:
    assert all(accepts(reader, schema, text) for text in right)
    assert not any(accepts(reader, schema, text) for text in wrong)


@pytest.mark.parametrize(
    "schema",
    [
        5,
        [],
        False,
        {"type": "text"},
        {"type": []},
        {"type": "number", "minimum": 1},
        {"type": "object", "patternProperties": {}},
        {"allOf": [{"type": "object"}]},
        {"type": "array", "items": [{}]},
        {"type": "array", "maxItems": 10**9},
        {"type": "string", "maxLength": -1},
        {"type": "string", "minLength": 5, "maxLength": 2},
        {"type": "string", "pattern": "a"},
        {"type": "string", "pattern": "^($"},
        {"type": "string", "pattern": '^"$'},
        {"type": "string", "pattern": "^\\S$"},
        {"type": "string", "pattern": "^a{2000}$"},
        {"properties": {"a": {}}, "required": ["b"]},
        {"properties": {'a"b': {}}},
        {"properties": []},
        {"properties": {"a": {}}, "additionalProperties": {"type": "null"}},
        {"enum": []},
        {"enum": ["a\\b"]},
        {"enum": [{"a": 1}]},
        {"$ref": "https://example.com/schema"},
        {"$ref": "#/$defs/missing"},
        {"anyOf": []},
        {"enum": ["x" * 200_000]},
    ],
)
def test_what_cannot_be_held_to_is_refused(schema: Any) -> None:
    from edgelingua.llama.json_grammar import json_grammar

    with pytest.raises(InputError):
        json_grammar(schema)


def test_alternatives_without_end_are_refused() -> None:
    from edgelingua.llama.json_grammar import json_grammar

    def doubled(times: int) -> dict[str, Any]:
        parts: dict[str, Any] = {
            f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(times)
        }
        return {"$ref": "#/$defs/d0", "$defs": parts | {f"d{times}": {"type": "null"}}}

    assert json_grammar(doubled(5))
    for schema in (
        doubled(40),
        {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {}]}}},
        {"properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a"}}},
    ):
        with pytest.raises(InputError, match="alternatives"):
            json_grammar(schema)


def test_schemas_nested_without_end_are_refused() -> None:
    from edgelingua.llama.json_grammar import json_grammar

    schema: dict[str, Any] = {}
    for _ in range(5000):
        schema = {"type": "array", "items": schema}
    with pytest.raises(InputError):
        json_grammar(schema)


def test_what_is_not_exact_leaves_aside_what_it_cannot_do(reader: LlamaModel) -> None:
    assert accepts(reader, {"type": "integer", "minimum": 3}, "1", exact=False)
