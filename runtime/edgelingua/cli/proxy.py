"""``edgelingua serve --upstream URL``: in front of another server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from edgelingua.cli.console import usage
from edgelingua.cli.output import say
from edgelingua.compressors import load_compressor
from edgelingua.errors import MissingExtraError
from edgelingua.ort.session import RunOptions

Upstream = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Serve no reader, but stand in front of another server, of OpenAI's, Anthropic's or "
        "Ollama's interface: messages are compressed and passed on.",
    ),
]
ProxyRate = Annotated[
    float | None,
    typer.Option(
        help="With --upstream: fraction of its tokens that a text keeps where a request does not "
        "say; default 0.5; 1: only what requests ask for is compressed.",
    ),
]
KeepUpTo = Annotated[
    int | None,
    typer.Option(help="With --upstream: texts of so many tokens stay; default 256.", min=0),
]
Documents = Annotated[
    bool,
    typer.Option(
        "--documents",
        help="With --upstream: compress a long last question too, but for its first line and its "
        "end.",
    ),
]
OnFailure = Annotated[
    Literal["open", "closed"] | None,
    typer.Option(
        help="With --upstream: pass a request on as it came if the compressor fails (open, the "
        "default), or refuse it.",
    ),
]
StateFolder = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="With --upstream: keep here what was sent, so that it is sent again byte for byte "
        "after a restart; else what was read of system prompts. Its owner alone may read it.",
    ),
]
StateMb = Annotated[
    float | None,
    typer.Option(help="Most of that, with --upstream in memory too; default 512.", min=1),
]
RecoverTool = Annotated[
    bool,
    typer.Option(
        "--recover-tool",
        help="With --upstream: give models that have tools one more, to ask back what was left "
        "out.",
    ),
]
CompressSeconds = Annotated[
    float | None,
    typer.Option(help="With --upstream: longest time to compress; default 60.", min=0.1),
]
Clients = Annotated[
    int | None,
    typer.Option(help="With --upstream: most requests at a time; default 256.", min=1),
]


def serve_upstream(
    listening: Mapping[str, Any],
    proxy: Mapping[str, Any],
    state: tuple[Path | None, float | None],
    compressor: tuple[str, str | None, str | None],
    options: RunOptions,
) -> None:
    """Stand in front of another server until SIGTERM.

    Parameters
    ----------
    listening, proxy
        Of `ProxyOptions`; what is ``None`` stays its default.
    state
        Its folder and its size in MB.
    compressor
        Method, model, ranker.
    options
        How the compressor's model runs.
    """
    try:
        from edgelingua.integrations.proxy.app import create_app
        from edgelingua.integrations.proxy.options import ProxyOptions
        from edgelingua.integrations.proxy.state import State
        from edgelingua.integrations.server.running import serve as run
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "a package", "server") from error

    given = {name: value for name, value in {**listening, **proxy}.items() if value is not None}
    with usage():
        chosen = ProxyOptions(**given)
    method, model, ranker = compressor
    pruner = load_compressor(method, model, ranker=ranker, options=options)
    folder, most = state
    app = create_app(pruner, State(folder, most or 512), chosen)
    run(app, chosen, lambda url: say(f"in front of {chosen.upstream} at {url}/v1"))
