"""The result dictionaries of the reference: its keys and its formats."""

from __future__ import annotations

from typing import Any

from edgelingua.errors import InputError

_DOLLARS_PER_TOKEN = 0.06 / 1000  # what the reference takes GPT-4 to cost


def summary(text: str, tokens_in: int, tokens_out: int) -> dict[str, Any]:
    """Return the entries that every method has.

    Raises
    ------
    InputError
        Something is left of nothing, so that there is no rate.
    """
    ratio = tokens_in / tokens_out if tokens_out else 1
    if not ratio:
        raise InputError(f"the prompt has no tokens, its compression {tokens_out}: no rate")
    return {
        "compressed_prompt": text,
        "origin_tokens": tokens_in,
        "compressed_tokens": tokens_out,
        "ratio": f"{ratio:.1f}x",
        "rate": f"{1 / ratio * 100:.1f}%",
        "saving": f", Saving ${(tokens_in - tokens_out) * _DOLLARS_PER_TOKEN:.1f} in GPT-4.",
    }


def with_list(result: dict[str, Any], texts: list[str]) -> dict[str, Any]:
    """Insert LLMLingua-2's list of compressed contexts behind the prompt."""
    first = {"compressed_prompt": result["compressed_prompt"], "compressed_prompt_list": texts}
    return first | result
