"""The MCP server: its tools and resources, over stdio or streamable HTTP."""

from __future__ import annotations

import logging
from collections.abc import Callable
from inspect import getdoc
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from edgelingua import __version__
from edgelingua.integrations.mcp.tools import URI, Tools
from edgelingua.integrations.server import guard
from edgelingua.integrations.server.logs import Lines
from edgelingua.integrations.server.options import Listening
from edgelingua.integrations.server.problems import ApiError

_SAYS = (
    "Shortens long texts to a budget of tokens without rewriting them. Call compress with the "
    "question that the text is to answer; recover gives back what was left out."
)


def create_server(tools: Tools, *, files: bool = False) -> MCPServer[None]:
    """Return the server of some tools.

    Parameters
    ----------
    tools
        What it can do.
    files
        Whether clients are offered to compress files.
    """
    # Before the SDK sets up logs of its own: these leave out what a failure quotes.
    logging.basicConfig(level=logging.WARNING, handlers=[Lines()])
    server: MCPServer[None] = MCPServer(
        "edgelingua", version=__version__, instructions=_SAYS, log_level="WARNING"
    )
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    offered: list[Callable[..., Any]] = [tools.compress, tools.recover, tools.count, tools.plan]
    if files:
        offered.append(tools.compress_file)
    for tool in offered:
        server.add_tool(tool, description=getdoc(tool), annotations=reads)
    server.resource(URI, name="dropped", mime_type="text/plain")(tools.dropped)
    return server


def create_app(server: MCPServer[None], options: Listening) -> ASGIApp:
    """Return the application that serves it at ``/mcp``, to those who may ask."""
    app = server.streamable_http_app(
        host=options.host, max_request_body_size=int(options.body_mb * 1e6)
    )

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                guard.check(dict(scope["headers"]), scope["path"], options.api_key)
            except ApiError as error:
                refusal = JSONResponse(error.body(), error.status, error.headers)
                await refusal(scope, receive, send)
                return
        await app(scope, receive, send)

    return guarded
