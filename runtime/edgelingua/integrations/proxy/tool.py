"""A tool with which a model asks back what was left out.

The proxy changes no reply: a call of the tool goes to the client, as all calls do. Agents tell the
model that there is no such tool; on its way up, that message gets the text that was asked for.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from edgelingua.integrations.proxy.dialects import Name

TOOL = "edgelingua_recover"
NOTE = f'\n[Shortened: {TOOL}(id="{{id}}") returns the whole text.]'
"""Stands behind a text that was cut."""

_SAYS = (
    "Returns the whole of a text that was shortened in this conversation. Call it when a part that "
    "was left out is needed to answer."
)
_TAKES = {
    "type": "object",
    "properties": {"id": {"type": "string", "description": "The id named behind the text."}},
    "required": ["id"],
}
_ANTHROPIC = {"name": TOOL, "description": _SAYS, "input_schema": _TAKES}
_OPENAI = {
    "type": "function",
    "function": {"name": TOOL, "description": _SAYS, "parameters": _TAKES},
}


def offer(body: dict[str, Any], dialect: Name) -> bool:
    """Put the tool behind those that a request brings, if it brings some; return whether."""
    tools = body.get("tools")
    if not isinstance(tools, list) or not tools:
        return False
    body["tools"] = [*tools, _ANTHROPIC if dialect == "anthropic" else _OPENAI]
    return True


def fill(body: dict[str, Any], original: Callable[[str], str | None]) -> set[int]:
    """Put the texts that were asked for where calls of the tool are replied to.

    Parameters
    ----------
    body
        The request.
    original
        Returns the whole text of an id.

    Returns
    -------
    ``id`` of the messages and blocks that hold them.
    """
    asked: dict[str, str] = {}
    unnamed: deque[str] = deque()  # Ollama's calls have no ids; replies come in their order
    filled: set[int] = set()
    for message in _dicts(body.get("messages")):
        for key, name in _calls(message):
            if key is None:
                unnamed.append(name)
            else:
                asked[key] = name
        for reply, key in _replies(message):
            wanted = asked.get(key) if key else unnamed.popleft() if unnamed else None
            if wanted is not None and (text := original(wanted)) is not None:
                reply["content"] = text
                reply.pop("is_error", None)
                filled.add(id(reply))
    return filled


def _calls(message: dict[str, Any]) -> Iterator[tuple[str | None, str]]:
    """Return the calls of the tool in a message: their keys, and the ids that they ask for."""
    for call in _dicts(message.get("tool_calls")):
        function = call.get("function")
        if isinstance(function, dict) and function.get("name") == TOOL:
            yield _text(call.get("id")), _wanted(function.get("arguments"))
    for block in _dicts(message.get("content")):
        if block.get("type") == "tool_use" and block.get("name") == TOOL:
            yield _text(block.get("id")), _wanted(block.get("input"))


def _replies(message: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Return what of a message replies to calls, and their keys."""
    if message.get("role") == "tool":
        key = _text(message.get("tool_call_id"))
        if key or TOOL in (message.get("tool_name"), message.get("name")):
            yield message, key
    for block in _dicts(message.get("content")):
        if block.get("type") == "tool_result" and (key := _text(block.get("tool_use_id"))):
            yield block, key


def _wanted(arguments: Any) -> str:
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return ""
    return _text(arguments.get("id") if isinstance(arguments, dict) else None) or ""


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
