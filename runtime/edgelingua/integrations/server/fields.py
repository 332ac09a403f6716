"""Which fields of a request mean something here, which say nothing, which cannot be served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgelingua.integrations.server.problems import ApiError

SHARED = frozenset(
    {
        "edgelingua",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_tokens",
        "model",
        "n",
        "presence_penalty",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "top_p",
    }
)
CHAT = SHARED | {
    "max_completion_tokens",
    "messages",
    "parallel_tool_calls",
    "response_format",
    "tool_choice",
    "tools",
    "top_logprobs",
}
COMPLETION = SHARED | {"prompt"}

IGNORED = frozenset(
    {
        "metadata",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
    }
)
"""OpenAI's fields that change nothing of what is replied."""

_NOTHING: tuple[Any, ...] = (None, False, [], {}, "")
NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "audio": _NOTHING,
    "best_of": (None, 1),
    "echo": _NOTHING,
    "function_call": (None, "none", "auto"),
    "functions": _NOTHING,
    "modalities": (None, ["text"]),
    "reasoning_effort": _NOTHING,
    "response_format": (None, {"type": "text"}),
    "suffix": _NOTHING,
    "top_logprobs": (None, 0),
    "verbosity": _NOTHING,
    "web_search_options": _NOTHING,
}
"""OpenAI's fields that cannot be served, with the values that ask for nothing."""


def check(body: Mapping[str, Any], known: frozenset[str]) -> None:
    """Raise `ApiError` for a field that would be passed over in silence, as OpenAI does."""
    for name, value in body.items():
        if name in known or name in IGNORED:
            continue
        if name not in NEUTRAL:
            raise ApiError(
                f"Unknown parameter: {name[:64]!a}. Known ones: {', '.join(sorted(known))}.",
                code="unknown_parameter",
                param=ascii(name[:64])[1:-1],
            )
        if value not in NEUTRAL[name]:
            raise ApiError(
                f"Unsupported parameter: {name!r}. This server cannot do what it asks for; leave "
                "it out.",
                code="unsupported_parameter",
                param=name,
            )
