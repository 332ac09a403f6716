"""``/v1/compress``: a text compressed, and not forwarded to anybody."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from edgelingua.budget import Budget
from edgelingua.compressors import Compressor
from edgelingua.errors import BudgetError, CancelledError, EdgeLinguaError, InputError
from edgelingua.explain import explanation
from edgelingua.integrations.server import fields
from edgelingua.integrations.server.connection import while_connected
from edgelingua.integrations.server.limits import read_json
from edgelingua.integrations.server.options import Listening
from edgelingua.integrations.server.patience import Patience
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.savings import Savings
from edgelingua.integrations.server.values import (
    MOST_PINS,
    flag,
    json_object,
    missing,
    number,
    plain,
    strings,
    whole,
    wrong_type,
)
from edgelingua.integrations.server.worker import Worker
from edgelingua.prompt import Prompt

_FIELDS = frozenset({"explain", "model", "pin", "question", "rate", "text", "tokens"})


@dataclass(frozen=True)
class Task:
    """What a client wants compressed: a prompt, within a budget, explained or not."""

    model: str | None
    prompt: Prompt
    budget: Budget
    explain: bool


def task_of(body: Any) -> Task:
    """Read the body of ``/v1/compress``.

    Raises
    ------
    ApiError
        A field is missing, unknown, or has a wrong value.
    """
    body = json_object(body)
    fields.check(body, _FIELDS)
    text, question = _text(body, "text"), _text(body, "question", "")
    for pin in (pins := strings(body.get("pin"), "pin", MOST_PINS)):
        if pin not in text:
            raise ApiError(
                f"Invalid 'pin': a text of {len(pin):,} characters that does not occur in 'text'.",
                code="invalid_value",
                param="pin",
            )
    try:
        return Task(
            model=_text(body, "model", "") or None,
            prompt=Prompt.build(text, question=question, pin=pins),
            budget=Budget(tokens=whole(body, "tokens", 1), rate=number(body, "rate", 0, 1)),
            explain=flag(body, "explain"),
        )
    except InputError as error:
        raise ApiError(str(error), code="invalid_value", param="text") from error
    except BudgetError as error:
        raise ApiError(str(error), code="invalid_value", param="rate") from error


def _text(body: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = body.get(name, default)
    if value is None:
        raise missing(name)
    if not isinstance(value, str):
        raise wrong_type(name, "a text", value)
    return plain(value, name)


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
        check_model: Callable[[str], None] = lambda _: None,
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
            reply = await self._worker.call(lambda: self._reply(task, patience), patience)
            self._savings.row(task.model or self._model).compressed(
                reply["tokens_before"] - reply["tokens_after"], reply["seconds_compressing"]
            )
            await JSONResponse(reply)(scope, receive, send)

        with self._worker.admitted():
            await while_connected(receive, answered())

    def _reply(self, task: Task, patience: Patience) -> dict[str, Any]:
        patience.check()
        started = time.perf_counter()
        try:
            done = self._compressor.compress(task.prompt, task.budget, patience.check)
        except CancelledError:
            raise
        except EdgeLinguaError as error:
            raise _told(error) from error
        reply = {
            "object": "compression",
            "text": done.text,
            "tokens_before": done.tokens_in,
            "tokens_after": done.tokens_out,
            "seconds_compressing": round(time.perf_counter() - started, 3),
        }
        return reply | ({"explanation": asdict(explanation(done))} if task.explain else {})


def _told(error: EdgeLinguaError) -> ApiError:
    match error:
        case BudgetError():
            return ApiError(str(error), code="invalid_value", param="tokens")
        case InputError():
            return ApiError(str(error), code="invalid_value", param="question")
    return ApiError(str(error), status=500)
