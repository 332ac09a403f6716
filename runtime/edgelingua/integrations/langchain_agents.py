"""LangChain 1: a middleware that compresses what an agent's model has to read again and again.

Needs ``pip install 'edgelingua[langchain]'``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from edgelingua.errors import MissingExtraError
from edgelingua.integrations.messages import MessageCompressor

try:
    from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
    from langchain_core.messages import AnyMessage
except ModuleNotFoundError as error:
    raise MissingExtraError(str(error.name), "langchain") from error

_ROLES = {"human": "user", "ai": "assistant"}


class EdgeLinguaMiddleware(AgentMiddleware):
    """Compresses tool results and old turns on their way to the model.

    The agent's state keeps them whole; what a text became once it stays, so that the model's prompt
    cache stays valid. See `MessageCompressor` for what is compressed, and when.

    Parameters
    ----------
    messages
        How; as `MessageCompressor` does by default.
    """

    def __init__(self, messages: MessageCompressor | None = None) -> None:
        super().__init__()
        self._messages = MessageCompressor() if messages is None else messages

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any]:
        """Call the model with less."""
        sent = self._messages.compress(_plain(request.messages))
        return handler(_with(request, sent))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Call the model with less; it is compressed beside the event loop."""
        sent = await self._messages.acompress(_plain(request.messages))
        return await handler(_with(request, sent))


def _plain(messages: list[AnyMessage]) -> list[dict[str, Any]]:
    """Return messages as the proxy reads them."""
    found = []
    for message in messages:
        plain = {"role": _ROLES.get(message.type, message.type), "content": message.content}
        for name in ("name", "tool_calls", "tool_call_id"):
            if value := getattr(message, name, None):
                plain[name] = value
        found.append(plain)
    return found


def _with(request: ModelRequest[Any], sent: list[dict[str, Any]]) -> ModelRequest[Any]:
    messages = [
        message
        if message.content == plain["content"]
        else message.model_copy(update={"content": plain["content"]})
        for message, plain in zip(request.messages, sent, strict=True)
    ]
    return request.override(messages=messages)
