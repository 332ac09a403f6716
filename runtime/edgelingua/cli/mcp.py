"""``edgelingua mcp``: tools for programs that speak the Model Context Protocol."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from edgelingua.cli.choices import method_for
from edgelingua.cli.console import decoded, usage
from edgelingua.cli.options import (
    AtLevel,
    CountFile,
    DeviceOption,
    MethodName,
    Model,
    Strict,
    Threads,
)
from edgelingua.cli.output import say
from edgelingua.cli.signals import leave_at_once
from edgelingua.compressors import default_method, load_compressor
from edgelingua.errors import BundleError, InputError, MissingExtraError
from edgelingua.files.safe import open_inside
from edgelingua.ort.session import RunOptions
from edgelingua.text.counting import ESTIMATE, counter

_MOST_MB = 32


def mcp(
    http: Annotated[
        bool, typer.Option("--http", help="Serve streamable HTTP at /mcp; else stdin and stdout.")
    ] = False,
    host: Annotated[str, typer.Option(help="With --http: address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="With --http; 0: any free one.", min=0, max=65535)
    ] = 8081,
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar="EDGELINGUA_API_KEY",
            help="With --http: what clients have to say; needed at any address but loopback. On "
            "the command line others on this machine can read it: better set the variable.",
            show_envvar=True,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Let clients name text files in this folder to compress. Without it, no file is "
            "ever read.",
        ),
    ] = None,
    method: MethodName = None,
    model: Model = None,
    count: CountFile = None,
    level: AtLevel = None,
    threads: Threads = 0,
    device: DeviceOption = "auto",
    strict: Strict = False,
) -> None:
    """Offer compress, recover, count and plan to Claude Desktop, editors and agents (MCP).

    Tokens are estimated, rather too high, unless --count names a tokenizer.
    """
    try:
        from edgelingua.integrations.mcp.app import create_app, create_server
        from edgelingua.integrations.mcp.tools import Tools
        from edgelingua.integrations.server.options import Listening
        from edgelingua.integrations.server.running import serve
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "a package", "mcp") from error

    # By default one that can do with and without a question: clients bring one or none.
    default = method or default_method(model, question=False)
    method = method_for(default, model, ranker=None, question="a client may bring one")
    with usage("--count"):
        counted = ESTIMATE if count is None else counter(count)
    with usage():
        options = Listening(host=host, port=port, api_key=api_key, body_mb=_MOST_MB)
    if folder is not None and not folder.is_dir():
        raise typer.BadParameter("no such folder", param_hint="'--folder'")
    compressor = load_compressor(
        method, model, level=level, count=counted, options=RunOptions(threads, device, strict)
    )
    tools = Tools(compressor, None if folder is None else _reader_of(folder))
    server = create_server(tools, files=folder is not None)
    if not http:
        leave_at_once()  # nothing is half written, and a thread waits for what stdin brings
        server.run()
        return
    serve(create_app(server, options), options, lambda url: say(f"MCP at {url}/mcp"))


def _reader_of(folder: Path) -> Callable[[str], str]:
    """Return what reads texts of a folder by their names."""

    def read(name: str) -> str:
        try:
            with open_inside(folder, name) as file:
                raw = file.read(int(_MOST_MB * 1e6) + 1)
        # One message for all: it tells nothing of what lies elsewhere.
        except (BundleError, OSError, ValueError):
            raise InputError(
                "the file cannot be read: expected the name of a text file in the server's folder"
            ) from None
        if len(raw) > _MOST_MB * 1e6:
            raise InputError(f"the file is larger than {_MOST_MB} MB")
        return decoded(raw, "the file")

    return read
