"""``/v1/compress``: a text compressed, and not forwarded to anybody."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from edgelingua.compressors import Compressor
from edgelingua.integrations.server.compressing import done, task_of
from edgelingua.integrations.server.connection import while_connected
from edgelingua.integrations.server.limits import read_json
from edgelingua.integrations.server.options import Listening
from edgelingua.integrations.server.patience import Patience
from edgelingua.integrations.server.savings import Savings
from edgelingua.integrations.server.worker import Worker


class Compression:
    """Compresses texts for whoever asks.

    Parameters
    ----------
    compressor, worker
        Compresses, and where.
    options
        The limits.
    savings, model
        Where it is written down, and for which model if a client names none.
    check_model
        Raises `ApiError` for a model that is not here.
    """

    def __init__(
        self,
        compressor: Compressor,
        worker: Worker,
        options: Listening,
        savings: Savings,
        *,
        model: str,
        check_model: Callable[[str], None],
    ) -> None:
        self._compressor = compressor
        self._worker = worker
        self._options = options
        self._savings = savings
        self._model = model
        self._check_model = check_model

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, as ASGI calls it."""
        patience = Patience(self._options.seconds)
        try:
            body = await read_json(HttpRequest(scope, receive), int(self._options.body_mb * 1e6))
        except ClientDisconnect:
            return
        task = task_of(body)
        if task.model:
            self._check_model(task.model)

        async def answered() -> None:
            found = await self._worker.call(
                lambda: done(self._compressor, task, patience.check), patience
            )
            self._savings.compressed(task.model or self._model, found)
            await JSONResponse(found.reply)(scope, receive, send)

        with self._worker.admitted():
            await while_connected(receive, answered())
