"""The server as a process: a socket, uvicorn, and an end in order."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from edgelingua.errors import InputError
from edgelingua.integrations.server.logs import Lines
from edgelingua.integrations.server.options import Listening


def serve(app: ASGIApp, options: Listening, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; requests that are being served are finished first.

    Parameters
    ----------
    app, options
        What is served, and where.
    ready
        Called with the server's address when it can be reached.

    Raises
    ------
    InputError
        It cannot listen there.
    """
    listener = _listen(options.host, options.port)
    for name in ("asyncio", "uvicorn.error"):
        logging.getLogger(name).addHandler(Lines())
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(options.drain)),
    )
    host, port = listener.getsockname()[:2]
    ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
    with listener:
        uvicorn.Server(config).run([listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only of sockets that say they speak TCP does asyncio send small pieces at once.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise InputError(
            f"cannot listen at {host}, port {port}: {error.strerror}; choose another --host "
            "or --port"
        ) from None
    return listener
