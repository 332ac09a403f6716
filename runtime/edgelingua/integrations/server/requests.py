"""Requests, from JSON to what is to be done."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from edgelingua.integrations.server import fields, messages
from edgelingua.integrations.server.messages import Message
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.values import (
    flag,
    json_object,
    mapping,
    missing,
    number,
    plain,
    strings,
    whole,
    wrong_type,
)
from edgelingua.llama.model import Sampling

MOST_STOPS = 4
MOST_PINS = 256
_SEEDS = 2**32 - 1
"""How many there are for `Sampling`; OpenAI's are of 64 bits."""


@dataclass(frozen=True)
class Request:
    """What a client asks for.

    ``prompt`` is a list of messages, or a text to be continued. ``limit`` is the longest answer in
    tokens. ``pins`` must survive wherever they stand.
    """

    model: str
    prompt: list[Message] | str
    limit: int
    sampling: Sampling
    stops: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False

    @property
    def chat(self) -> bool:
        """Whether messages are to be answered, and not a text to be continued."""
        return not isinstance(self.prompt, str)


def chat_request(body: Any, defaults: Sampling, most: int) -> Request:
    """Read the body of ``/v1/chat/completions``.

    Parameters
    ----------
    body
        What the JSON said.
    defaults
        How tokens are drawn where the request says nothing.
    most
        Longest answer in tokens; a request for more gets so many.

    Raises
    ------
    ApiError
        It cannot be served as it is.
    """
    body = json_object(body)
    fields.check(body, fields.CHAT)
    if "messages" not in body:
        raise missing("messages")
    limit = whole(body, "max_completion_tokens", 1) or whole(body, "max_tokens", 1) or most
    return _request(body, messages.read(body["messages"]), min(limit, most), defaults)


def completion_request(body: Any, defaults: Sampling, most: int) -> Request:
    """Read the body of ``/v1/completions``; see `chat_request`."""
    body = json_object(body)
    fields.check(body, fields.COMPLETION)
    if "prompt" not in body:
        raise missing("prompt")
    prompt = body["prompt"]
    if isinstance(prompt, list) and len(prompt) == 1:
        (prompt,) = prompt
    if not isinstance(prompt, str):
        raise wrong_type("prompt", "one text; lists of texts and token ids are not read", prompt)
    limit = min(whole(body, "max_tokens", 1) or min(16, most), most)
    return _request(body, plain(prompt, "prompt"), limit, defaults)


def _request(
    body: Mapping[str, Any], prompt: list[Message] | str, limit: int, defaults: Sampling
) -> Request:
    model = body.get("model")
    if not isinstance(model, str):
        raise missing("model") if model is None else wrong_type("model", "a name", model)
    own = mapping(body.get("edgelingua"), "edgelingua")
    for name in own:
        if name != "pin":
            raise ApiError(
                f"Unknown parameter: {'edgelingua.' + name[:64]!a}. Known: edgelingua.pin.",
                code="unknown_parameter",
                param=f"edgelingua.{ascii(name[:64])[1:-1]}",
            )
    options = mapping(body.get("stream_options"), "stream_options")
    stream = flag(body, "stream")
    if options and not stream:
        raise ApiError(
            "The 'stream_options' parameter is only allowed when 'stream' is true.",
            code="invalid_value",
            param="stream_options",
        )
    return Request(
        model=model,
        prompt=prompt,
        limit=limit,
        sampling=_sampling(body, defaults),
        stops=strings(body.get("stop"), "stop", MOST_STOPS),
        pins=strings(own.get("pin"), "edgelingua.pin", MOST_PINS),
        stream=stream,
        include_usage=flag(options, "include_usage"),
    )


def _sampling(body: Mapping[str, Any], defaults: Sampling) -> Sampling:
    temperature = number(body, "temperature", 0, 2)
    top_p = number(body, "top_p", 0, 1)
    seed = whole(body, "seed")
    return replace(
        defaults,
        temperature=defaults.temperature if temperature is None else temperature,
        top_p=defaults.top_p if top_p is None else top_p,
        seed=secrets.randbelow(_SEEDS) if seed is None else seed % _SEEDS,
    )
