"""``edgelingua serve``: an OpenAI-compatible server whose reader never overflows."""

from __future__ import annotations

from typing import Annotated

import typer

from edgelingua.cli.caching import cap_of_cache, policy_of
from edgelingua.cli.choices import method_for
from edgelingua.cli.console import usage
from edgelingua.cli.options import (
    Block,
    CacheKeys,
    CacheValues,
    Cap,
    CapMb,
    DeviceOption,
    MethodName,
    Model,
    Phrase,
    PolicyName,
    RankerName,
    Reader,
    Recent,
    Smooth,
    Strict,
    Threads,
    Window,
)
from edgelingua.cli.output import say
from edgelingua.compressors import load_compressor
from edgelingua.errors import MissingExtraError
from edgelingua.kv.options import CacheOptions
from edgelingua.models import registry
from edgelingua.ort.session import RunOptions


def serve(
    reader: Reader = registry.DEFAULT_READER,
    name: Annotated[
        str | None, typer.Option(help="What requests call the model; default: the reader's.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: any free one.", min=0, max=65535)] = 8080,
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar="EDGELINGUA_API_KEY",
            help="What clients have to say; needed at any address but loopback. On the command "
            "line others on this machine can read it: better set the variable.",
            show_envvar=True,
        ),
    ] = None,
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
    ranker: RankerName = None,
    max_tokens: Annotated[int, typer.Option(help="Longest answer.", min=1)] = 1024,
    temperature: Annotated[float, typer.Option(help="Where a request does not say.")] = 0.7,
    sessions: Annotated[
        int, typer.Option(help="Conversations kept in memory; each takes a cache.", min=1)
    ] = 2,
    waiting: Annotated[
        int, typer.Option(help="Requests that may wait; more are told to come back.", min=0)
    ] = 8,
    body_mb: Annotated[float, typer.Option(help="Largest request.", min=0.001)] = 4.0,
    seconds: Annotated[float, typer.Option(help="Longest time for a request.", min=1)] = 600.0,
    drain: Annotated[
        float, typer.Option(help="Seconds to finish in when told to stop.", min=1)
    ] = 30.0,
    threads: Threads = 0,
    device: DeviceOption = "auto",
    strict: Strict = False,
) -> None:
    """Serve a reader as OpenAI's API; messages of any length fit its cache, which has --cap cells.

    What does not fit is compressed in the light of the last question.
    """
    method = method_for(method, model, ranker=ranker, question="a request brings one")
    try:
        from edgelingua.integrations.server.answering import Answerer
        from edgelingua.integrations.server.app import create_app
        from edgelingua.integrations.server.options import ServerOptions
        from edgelingua.integrations.server.running import serve as run
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "a package", "server") from error
    from edgelingua.llama.model import LlamaModel, Sampling

    cache = CacheOptions(keys=cache_keys, values=cache_values)
    chosen = policy_of(
        policy, recent=recent, smooth=smooth, phrase=phrase, window=window, block=block
    )
    path = registry.find_reader(reader)
    with usage():
        options = ServerOptions(
            name=name or (reader if reader in registry.REGISTRY else path.stem),
            host=host,
            port=port,
            api_key=api_key,
            max_tokens=max_tokens,
            sampling=Sampling(temperature),
            body_mb=body_mb,
            waiting=waiting,
            seconds=seconds,
            drain=drain,
        )
    llama = LlamaModel(path, threads=threads)
    cells = cap_of_cache(llama, cap, cap_mb, cache)
    with usage():
        llama.cache_options(chosen, cache)
    compressor = load_compressor(
        method, model, ranker=ranker, count=llama.count, options=RunOptions(threads, device, strict)
    )
    answerer = Answerer(
        llama,
        compressor,
        lambda: llama.session(cells, chosen, cache=cache),
        cap=cells,
        sessions=sessions,
    )
    app = create_app(answerer, options)
    run(app, options, lambda url: say(f"{options.name} with {cells:,} cells at {url}"))
