"""The messages of a chat request, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgelingua.errors import described
from edgelingua.integrations.server.calls import Call
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.values import mapping, plain, wrong_type

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
"""OpenAI's roles, and what chat templates call them."""


@dataclass(frozen=True)
class Message:
    """What one says: ``number`` is its place in the request, ``calls`` the tools it calls."""

    role: str
    content: str
    number: int
    calls: tuple[Call, ...] = ()


def read(value: Any) -> list[Message]:
    """Return the messages of a request.

    Raises
    ------
    ApiError
        They are none, or hold what a text model cannot read.
    """
    if not isinstance(value, list):
        raise wrong_type("messages", "a list of messages", value)
    if not value:
        raise ApiError("Invalid 'messages': empty list.", code="empty_array", param="messages")
    return [_message(entry, number) for number, entry in enumerate(value)]


def _message(entry: Any, number: int) -> Message:
    where = f"messages[{number}]"
    if not isinstance(entry, dict):
        raise wrong_type(where, "an object", entry)
    role = entry.get("role")
    if not isinstance(role, str) or role not in ROLES:
        shown = repr(role[:32]) if isinstance(role, str) else described(role)
        raise ApiError(
            f"Invalid value for '{where}.role': {shown}. Expected one of {', '.join(ROLES)}.",
            code="invalid_value",
            param=f"{where}.role",
        )
    for name in ("function_call", "audio"):
        if entry.get(name):
            raise ApiError(
                f"Unsupported: '{where}.{name}'. Calls are read from 'tool_calls'.",
                code="unsupported_parameter",
                param=f"{where}.{name}",
            )
    calls: tuple[Call, ...] = ()
    if role == "assistant":
        calls = _calls(entry.get("tool_calls"), f"{where}.tool_calls")
    content = _content(entry.get("content"), role, f"{where}.content")
    return Message(ROLES[role], content, number, calls)


def _calls(value: Any, where: str) -> tuple[Call, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise wrong_type(where, "a list of calls", value)
    return tuple(_call(one, f"{where}[{at}]") for at, one in enumerate(value))


def _call(value: Any, where: str) -> Call:
    function = mapping(mapping(value, where).get("function"), f"{where}.function")
    texts = {}
    for name in ("name", "arguments"):
        text = function.get(name)
        if not isinstance(text, str):
            raise wrong_type(f"{where}.function.{name}", "a text", text)
        texts[name] = plain(text, f"{where}.function.{name}")
    given = value.get("id")
    call = Call(**texts, id=plain(given, f"{where}.id") if isinstance(given, str) else "call_0")
    plain(call.text, f"{where}.function.arguments")  # where escapes have become characters
    return call


def _content(value: Any, role: str, where: str) -> str:
    if value is None and role == "assistant":
        return ""
    if isinstance(value, str):
        return plain(value, where)
    if not isinstance(value, list):
        raise wrong_type(where, "a text or a list of text parts", value)
    return "".join(_part(part, f"{where}[{index}]") for index, part in enumerate(value))


def _part(value: Any, where: str) -> str:
    part = mapping(value, where)
    kind = part.get("type")
    if kind not in ("text", "input_text"):
        shown = repr(kind[:32]) if isinstance(kind, str) else described(kind)
        raise ApiError(
            f"Invalid content at '{where}': a part of type {shown}. This model reads text only: "
            "expected 'text'.",
            code="invalid_value",
            param=where,
        )
    text = part.get("text")
    if not isinstance(text, str):
        raise wrong_type(f"{where}.text", "a text", text)
    return plain(text, where)
