"""An answer and what it took, for ``edgelingua run`` to print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edgelingua.cli import readable
from edgelingua.cli.choices import compression_statistics
from edgelingua.system.measure import peak_rss_mb

if TYPE_CHECKING:
    from edgelingua.assistant import Reply
    from edgelingua.kv.memory import Memory
    from edgelingua.kv.policies import Policy


def statistics(
    reply: Reply,
    reader: str,
    policy: Policy | None,
    method: str | None,
    milliseconds: Mapping[str, float],
    memories: Sequence[Memory],
) -> dict[str, Any]:
    """Return the figures of an answer, as ``--json`` has them.

    Parameters
    ----------
    reply
        The answer.
    reader
        What answered.
    policy
        What chose what left the cache; ``None``: an endpoint answered, whose cache is its own.
    method
        What compressed; ``None``: memories alone were asked.
    milliseconds
        Of each stage.
    memories
        What stood before the text.
    """
    told = compression_statistics(reply.compressed) | {
        "method": method,
        "reader": reader,
        "memory_cells": sum(map(len, memories)),
        "prompt_tokens": reply.prompt_tokens,
        "answer_tokens": reply.answer_tokens,
        **({} if reply.doubt is None else _doubt(reply)),
        "milliseconds": milliseconds,
        "peak_rss_mb": peak_rss_mb(),
    }
    if policy is None:
        return told
    from edgelingua.kv.policies import name_of

    return told | {
        "cells_used": reply.cache.peak,
        "cap": reply.cache.cap,
        "evicted": reply.cache.evicted,
        "policy": name_of(policy),
        "policy_repr": repr(policy),
        "memory_mb": asdict(reply.memory),
    }


def lines(
    reply: Reply,
    reader: str,
    policy: Policy | None,
    method: str | None,
    milliseconds: Mapping[str, float],
    memories: Sequence[Memory],
) -> readable.Lines:
    """Return the same for a person."""
    read = f"{reader}: {reply.prompt_tokens:,} tokens read, {reply.answer_tokens:,} written"
    return (
        ({} if method is None else readable.compression(reply.compressed, method))
        | ({"memories": readable.memories(memories)} if memories else {})
        | {"reader": read}
        | ({} if reply.doubt is None else {"doubt": _readable_doubt(reply)})
        | ({} if policy is None else readable.cache(reply.cache, policy))
        | readable.time(milliseconds)
        | readable.memory(peak_rss_mb(), None if policy is None else reply.memory)
    )


def _doubt(reply: Reply) -> dict[str, Any]:
    return {"doubt": reply.doubt, "escalations": reply.escalations}


def _readable_doubt(reply: Reply) -> str:
    times = {0: "never", 1: "once"}.get(reply.escalations, f"{reply.escalations} times")
    return f"{reply.doubt:.2f}; more was read {times}"
