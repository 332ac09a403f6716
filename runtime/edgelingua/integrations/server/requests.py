"""Requests, from JSON to what is to be done."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from edgelingua.integrations.server import fields, formats, messages, tools
from edgelingua.integrations.server.messages import Message
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.tools import Tools
from edgelingua.integrations.server.values import (
    MOST_PINS,
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
MOST_LIKELIEST = 20
MOST_CHOICES = 16
SEEDS = 2**32 - 1
"""How many there are for `Sampling`; OpenAI's are of 64 bits."""


@dataclass(frozen=True)
class Request:
    """What a client asks for.

    ``prompt`` is a list of messages, or a text to be continued. ``limit`` is the longest answer in
    tokens. ``pins`` must survive wherever they stand. ``grammar`` (GBNF) is what an answer may be;
    of each token, its log-probability is told beside those of the ``logprobs`` likeliest. ``tools``
    may be called.
    """

    model: str
    prompt: list[Message] | str
    limit: int
    sampling: Sampling
    stops: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    choices: int = 1
    logprobs: int | None = None
    grammar: str = ""
    tools: Tools | None = None

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
    likeliest = whole(body, "top_logprobs", 0, MOST_LIKELIEST)
    logprobs = flag(body, "logprobs")
    if likeliest and not logprobs:
        raise ApiError(
            "'top_logprobs' is only allowed when 'logprobs' is true.",
            code="invalid_value",
            param="top_logprobs",
        )
    request = _request(body, messages.read(body["messages"]), min(limit, most), defaults)
    grammar, may_call = formats.grammar(body), tools.read(body)
    if grammar and may_call:
        raise ApiError(
            "This server cannot hold an answer to 'response_format' that may call 'tools': leave "
            'one of them out, or say "tool_choice": "none".',
            code="unsupported_parameter",
            param="response_format",
        )
    return replace(
        request,
        logprobs=(likeliest or 0) if logprobs else None,
        grammar=grammar,
        tools=may_call,
    )


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
    request = _request(body, plain(prompt, "prompt"), limit, defaults)
    return replace(request, logprobs=whole(body, "logprobs", 0, 5))


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
        choices=whole(body, "n", 1, MOST_CHOICES) or 1,
    )


def _sampling(body: Mapping[str, Any], defaults: Sampling) -> Sampling:
    temperature = number(body, "temperature", 0, 2)
    top_p = number(body, "top_p", 0, 1)
    seed = whole(body, "seed")
    return replace(
        defaults,
        temperature=defaults.temperature if temperature is None else temperature,
        top_p=defaults.top_p if top_p is None else top_p,
        seed=secrets.randbelow(SEEDS) if seed is None else seed % SEEDS,
        frequency_penalty=number(body, "frequency_penalty", -2, 2) or 0.0,
        presence_penalty=number(body, "presence_penalty", -2, 2) or 0.0,
        bias=_bias(body.get("logit_bias")),
    )


def _bias(value: Any) -> tuple[tuple[int, float], ...]:
    """Return ``logit_bias``: the reader's token ids, and what is added to their logits."""
    found = mapping(value, "logit_bias")
    for token in found:
        if not (token.isascii() and token.isdecimal() and len(token) <= 9):
            raise ApiError(
                f"Invalid 'logit_bias': expected ids of this model's tokens, got {token[:64]!a}.",
                code="invalid_value",
                param="logit_bias",
            )
    return tuple(
        (int(token), number({"logit_bias": one}, "logit_bias", -100, 100) or 0.0)
        for token, one in found.items()
    )
