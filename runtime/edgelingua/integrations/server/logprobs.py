"""Log-probabilities of tokens, in the two forms that OpenAI's clients know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgelingua.integrations.server.written import Token


def of_chat(tokens: Sequence[Token]) -> dict[str, Any]:
    """Return them as a chat's choice has them."""
    content = [
        _entry(token.raw, token.logprob)
        | {"top_logprobs": [_entry(raw, value) for raw, value in token.likeliest]}
        for token in tokens
    ]
    return {"content": content, "refusal": None}


def of_text(tokens: Sequence[Token], offset: int) -> dict[str, Any]:
    """Return them as a completion's choice has them; its text begins at a character."""
    offsets, before = [], b""
    for token in tokens:
        offsets.append(offset + len(before.decode(errors="ignore")))
        before += token.raw
    return {
        "tokens": [_text(token.raw) for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [{_text(raw): value for raw, value in t.likeliest} for t in tokens],
        "text_offset": offsets,
    }


def _entry(raw: bytes, logprob: float) -> dict[str, Any]:
    return {"token": _text(raw), "logprob": logprob, "bytes": list(raw)}


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
