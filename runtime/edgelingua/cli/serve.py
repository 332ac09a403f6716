"""``edgelingua serve``: an OpenAI-compatible server whose reader never overflows."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from edgelingua.cli.caching import cap_of_cache, policy_of
from edgelingua.cli.choices import check_no_others, method_for
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
from edgelingua.cli.proxy import (
    Clients,
    CompressSeconds,
    Documents,
    KeepUpTo,
    OnFailure,
    ProxyRate,
    RecoverTool,
    StateFolder,
    StateMb,
    Upstream,
    serve_upstream,
)
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
        int | None,
        typer.Option(
            help="Requests that may wait; more are told to come back. Default 8; with --upstream "
            "64 that wait to be compressed.",
            min=0,
        ),
    ] = None,
    body_mb: Annotated[
        float | None,
        typer.Option(help="Largest request; default 4, with --upstream 32.", min=0.001),
    ] = None,
    seconds: Annotated[
        float,
        typer.Option(
            help="Longest time for a request; with --upstream: longest silence of the server "
            "behind it.",
            min=1,
        ),
    ] = 600.0,
    drain: Annotated[
        float, typer.Option(help="Seconds to finish in when told to stop.", min=1)
    ] = 30.0,
    threads: Threads = 0,
    device: DeviceOption = "auto",
    strict: Strict = False,
    upstream: Upstream = None,
    rate: ProxyRate = None,
    keep_up_to: KeepUpTo = None,
    documents: Documents = False,
    on_failure: OnFailure = None,
    state: StateFolder = None,
    state_mb: StateMb = None,
    recover_tool: RecoverTool = False,
    compress_seconds: CompressSeconds = None,
    clients: Clients = None,
) -> None:
    """Serve a reader as OpenAI's API; messages of any length fit its cache, which has --cap cells.

    What does not fit is compressed in the light of the last question.

    With --upstream: stand in front of another server, whose replies pass untouched.
    """
    method = method_for(method, model, ranker=ranker, question="a request brings one")
    run_options = RunOptions(threads, device, strict)
    listening: dict[str, Any] = {
        "host": host,
        "port": port,
        "api_key": api_key,
        "seconds": seconds,
        "drain": drain,
        **{k: v for k, v in {"waiting": waiting, "body_mb": body_mb}.items() if v is not None},
    }
    proxy = {
        "rate": rate,
        "keep_up_to": keep_up_to,
        "documents": documents,
        "on_failure": on_failure,
        "recover_tool": recover_tool,
        "compress_seconds": compress_seconds,
        "clients": clients,
    }
    if upstream is not None:
        reading = {"name": name, "cap": cap, "cap_mb": cap_mb, "policy": policy, "recent": recent}
        reading |= {"block": block, "smooth": smooth, "phrase": phrase, "window": window}
        check_no_others(reading, "is for a reader; --upstream has none")
        serve_upstream(
            listening,
            {"upstream": upstream, **proxy},
            (state, state_mb),
            (method, model, ranker),
            run_options,
        )
        return
    check_no_others(proxy, "needs --upstream")
    if state is None:
        check_no_others({"state_mb": state_mb}, "needs --state")
    try:
        from edgelingua.integrations.server.answering import Answerer
        from edgelingua.integrations.server.app import create_app
        from edgelingua.integrations.server.beginnings import Beginnings
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
            max_tokens=max_tokens,
            sampling=Sampling(temperature),
            **listening,
        )
    llama = LlamaModel(path, threads=threads)
    cells = cap_of_cache(llama, cap, cap_mb, cache)
    with usage():
        llama.cache_options(chosen, cache)
    compressor = load_compressor(
        method, model, ranker=ranker, count=llama.count, options=run_options
    )
    beginnings = None
    if state is not None:
        beginnings = Beginnings(
            state,
            lambda file: llama.restore(file, chosen)[0],
            setting=f"{cells} {chosen!r} {cache!r}",
            most_mb=512 if state_mb is None else state_mb,
        )
    answerer = Answerer(
        llama,
        compressor,
        lambda: llama.session(cells, chosen, cache=cache),
        cap=cells,
        sessions=sessions,
        beginnings=beginnings,
    )
    app = create_app(answerer, options)
    run(app, options, lambda url: say(f"{options.name} with {cells:,} cells at {url}/v1"))
