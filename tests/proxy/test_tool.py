"""What a model asks back is put where its call is replied to, in each interface."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edgelingua.integrations.proxy.dialects import Name
from edgelingua.integrations.proxy.tool import TOOL, fill, offer

WHOLE = {"a": "all of a", "b": "all of b"}


def openai(name: str, wanted: str, key: str) -> tuple[Any, Any]:
    function = {"name": name, "arguments": json.dumps({"id": wanted})}
    call = {"id": key, "type": "function", "function": function}
    return call, {"role": "tool", "tool_call_id": key, "content": "?"}


def test_openais_form() -> None:
    pairs = [openai(TOOL, "b", "1"), openai("other", "a", "2"), openai(TOOL, "gone", "3")]
    replies = [reply for _, reply in pairs]
    calls = {"role": "assistant", "tool_calls": [call for call, _ in pairs]}
    filled = fill({"messages": [calls, *replies]}, WHOLE.get)
    assert [reply["content"] for reply in replies] == ["all of b", "?", "?"]
    assert filled == {id(replies[0])}


def test_anthropics_form() -> None:
    use = {"type": "tool_use", "id": "t", "name": TOOL, "input": {"id": "a"}}
    result = {"type": "tool_result", "tool_use_id": "t", "is_error": True, "content": [{}]}
    said = [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    assert fill({"messages": said}, WHOLE.get) == {id(result)}
    assert result == {"type": "tool_result", "tool_use_id": "t", "content": "all of a"}


def test_ollamas_form() -> None:
    """Its calls have no keys: replies come in the order of calls."""
    calls = [{"function": {"name": TOOL, "arguments": {"id": wanted}}} for wanted in "ba"]
    replies: list[Any] = [{"role": "tool", "tool_name": TOOL, "content": "?"} for _ in range(3)]
    said = [{"role": "assistant", "content": "", "tool_calls": calls}, *replies]
    assert len(fill({"messages": said}, WHOLE.get)) == 2
    assert [reply["content"] for reply in replies] == ["all of b", "all of a", "?"]


@pytest.mark.parametrize(
    ("dialect", "where"), [("openai", "function"), ("ollama", "function"), ("anthropic", None)]
)
def test_the_tool_stands_behind_those_that_are_there(dialect: Name, where: str | None) -> None:
    body: dict[str, Any] = {"tools": [{"name": "first"}]}
    assert offer(body, dialect)
    first, own = body["tools"]
    assert first == {"name": "first"}
    assert (own[where] if where else own)["name"] == TOOL
    alone: dict[str, Any] = {"tools": []}
    assert not offer(alone, dialect)
    assert alone == {"tools": []}
