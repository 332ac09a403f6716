"""``edgelingua run``: compress, then answer under a cap."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from edgelingua.cli import readable
from edgelingua.cli.caching import cap_of_cache, policy_of
from edgelingua.cli.choices import (
    budget_of,
    compression_statistics,
    method_for,
    pins_of,
    with_second_pass,
)
from edgelingua.cli.console import printable, read_text, usage
from edgelingua.cli.options import (
    AsJson,
    AtLevel,
    Block,
    CacheKeys,
    CacheValues,
    Cap,
    CapMb,
    DeviceOption,
    Guard,
    MethodName,
    Model,
    Phrase,
    Pin,
    PinPattern,
    PolicyName,
    RankerName,
    Rate,
    Reader,
    Recent,
    SecondPass,
    Smooth,
    Source,
    Strict,
    Structure,
    Threads,
    Tokens,
    Window,
    text,
)
from edgelingua.cli.output import print_json, print_lines
from edgelingua.cli.output import progress as progress_bar
from edgelingua.compressors import load_compressor
from edgelingua.kv.options import CacheOptions
from edgelingua.models import registry
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import Prompt
from edgelingua.system.measure import Stopwatch, peak_rss_mb


def run(
    question: Annotated[str, typer.Option(help="What to answer from the text.", callback=text)],
    source: Source = "-",
    reader: Reader = registry.DEFAULT_READER,
    tokens: Tokens = None,
    rate: Rate = None,
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
    method: MethodName = None,
    model: Model = None,
    pin: Pin = None,
    pin_pattern: PinPattern = None,
    max_tokens: Annotated[int, typer.Option(help="Longest answer.", min=1)] = 128,
    system: Annotated[
        str | None, typer.Option(help="System prompt; empty: none.", callback=text)
    ] = None,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token.")] = 0.0,
    top_k: Annotated[int, typer.Option(help="Draw from the K likeliest; 0: all.")] = 40,
    top_p: Annotated[float, typer.Option(help="Draw from this much probability.")] = 0.95,
    min_p: Annotated[float, typer.Option(help="Least probability, relative to the top.")] = 0.05,
    repeat_penalty: Annotated[float, typer.Option(help="1: none.")] = 1.1,
    seed: Annotated[int, typer.Option(help="Makes draws repeatable.")] = 0,
    structure: Structure = "compress",
    level: AtLevel = None,
    guard: Guard = None,
    ranker: RankerName = None,
    second_pass: SecondPass = False,
    threads: Threads = 0,
    device: DeviceOption = "auto",
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Compress a text and answer a question about it, with a KV cache that never exceeds --cap.

    Without --tokens and --rate, the text is compressed to what fits the cap.
    """
    budget = None if tokens is None and rate is None else budget_of(tokens, rate)
    pins = pins_of(pin, pin_pattern)
    if not question.strip():
        raise typer.BadParameter("the question is empty", param_hint="'--question'")
    method = method_for(method, model, ranker=ranker, question=question)
    # The prompt is the assistant's to lay out; here its text gets its pins.
    (document,) = Prompt.build(read_text(source), pin=pins).segments
    # llama_cpp takes a while to import, and compress can do without.
    from edgelingua.assistant import SYSTEM, Assistant
    from edgelingua.kv.policies import name_of
    from edgelingua.llama.model import LlamaModel, Sampling

    watch = Stopwatch()
    cache = CacheOptions(keys=cache_keys, values=cache_values)
    chosen = policy_of(
        policy, recent=recent, smooth=smooth, phrase=phrase, window=window, block=block
    )
    with usage():
        sampling = Sampling(temperature, top_k, top_p, min_p, repeat_penalty, seed)
    with watch.stage("load"):
        llama = LlamaModel(registry.find_reader(reader), threads=threads)
        cells = cap_of_cache(llama, cap, cap_mb, cache)
        with usage():
            llama.cache_options(chosen, cache)
        compressor = load_compressor(
            method,
            model,
            level=level,
            guard=guard,
            ranker=ranker,
            count=llama.count,
            options=RunOptions(threads, device, strict),
        )
    if second_pass:
        compressor = with_second_pass(compressor, question)
    assistant = Assistant(
        compressor,
        llama,
        cap=cells,
        policy=chosen,
        system=SYSTEM if system is None else system,
        sampling=sampling,
        cache=cache,
    )

    def show(piece: str) -> None:
        sys.stdout.write(printable(piece))
        sys.stdout.flush()

    with progress_bar("scoring") as progress:
        reply = assistant.ask(
            document,
            question,
            budget,
            structure=structure,
            max_tokens=max_tokens,
            on_text=None if as_json else show,
            progress=progress,
        )
    ran = chosen or llama.default_policy
    milliseconds = watch.milliseconds | reply.milliseconds
    if as_json:
        statistics = compression_statistics(reply.compressed) | {
            "method": method,
            "reader": llama.path.name,
            "prompt_tokens": reply.prompt_tokens,
            "answer_tokens": reply.answer_tokens,
            "cells_used": reply.cache.peak,
            "cap": reply.cache.cap,
            "evicted": reply.cache.evicted,
            "policy": name_of(ran),
            "policy_repr": repr(ran),
            "milliseconds": milliseconds,
            "memory_mb": asdict(reply.memory),
            "peak_rss_mb": peak_rss_mb(),
        }
        print_json({"answer": reply.text, "statistics": statistics})
    else:
        sys.stdout.write("\n")
        read = f"{llama.path.name}: {reply.prompt_tokens:,} tokens read"
        print_lines(
            readable.compression(reply.compressed, method)
            | {"reader": f"{read}, {reply.answer_tokens:,} written"}
            | readable.cache(reply.cache, ran)
            | readable.time(milliseconds)
            | readable.memory(peak_rss_mb(), reply.memory)
        )
