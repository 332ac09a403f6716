"""``edgelingua chat``: the command; `terminal` is what its user sees."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from edgelingua.cli.caching import cap_of_cache, policy_of
from edgelingua.cli.console import usage
from edgelingua.cli.options import (
    Block,
    CacheKeys,
    CacheValues,
    Cap,
    CapMb,
    MemoryFiles,
    Model,
    Phrase,
    PolicyName,
    Reader,
    Recent,
    Smooth,
    Threads,
    Window,
    text,
)
from edgelingua.cli.output import say
from edgelingua.kv.options import CacheOptions
from edgelingua.models import registry


def chat(
    context: typer.Context,
    reader: Reader = registry.DEFAULT_READER,
    cap: Cap = None,
    cap_mb: CapMb = None,
    policy: PolicyName = None,
    recent: Recent = None,
    block: Block = None,
    smooth: Smooth = None,
    phrase: Phrase = None,
    window: Window = None,
    cache_keys: CacheKeys = "f16",
    cache_values: CacheValues = "f16",
    system: Annotated[str, typer.Option(help="System prompt; empty: none.", callback=text)] = "",
    load: Annotated[
        Path | None, typer.Option(help="Take up a saved chat, with its cap, policy, sampling.")
    ] = None,
    memory: MemoryFiles = None,
    max_tokens: Annotated[int, typer.Option(help="Longest reply.", min=1)] = 512,
    model: Model = None,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token.")] = 0.7,
    seed: Annotated[int, typer.Option(help="Makes draws repeatable.")] = 0,
    threads: Threads = 0,
) -> None:
    """Chat for as long as you like, with a KV cache that never exceeds --cap; /help in it."""
    from edgelingua.chat import Chat
    from edgelingua.cli.terminal import Terminal
    from edgelingua.kv.memory import Memory
    from edgelingua.llama.model import LlamaModel, Sampling

    if load:
        _refuse_beside_load(context)
    cache = CacheOptions(keys=cache_keys, values=cache_values)
    chosen = policy_of(
        policy, recent=recent, smooth=smooth, phrase=phrase, window=window, block=block
    )
    with usage():
        sampling = Sampling(temperature, seed=seed)
    memories = [Memory.load(path) for path in memory or ()]
    llama = LlamaModel(registry.find_reader(reader), threads=threads)
    if load:
        conversation = Chat.load(llama, load)
    else:
        with usage():
            llama.cache_options(chosen, cache)
        session = llama.session(cap_of_cache(llama, cap, cap_mb, cache), chosen, cache=cache)
        conversation = Chat(llama, session, system, sampling, memories)
    terminal = Terminal(conversation, model, max_tokens, say)
    terminal.run(greet=sys.stdin.isatty() and sys.stderr.isatty())


def _refuse_beside_load(context: typer.Context) -> None:
    """A saved chat has these of its own; to ignore what was asked for would be silent."""
    names = ("cap", "cap_mb", "policy", "recent", "block", "smooth", "phrase", "window")
    own = ("cache_keys", "cache_values", "system", "memory", "temperature", "seed")
    for name in (*names, *own):
        source = context.get_parameter_source(name)
        if source is not None and source.name != "DEFAULT":
            option = "--" + name.replace("_", "-")
            raise typer.BadParameter(f"{option} beside --load: the saved chat keeps its own")
