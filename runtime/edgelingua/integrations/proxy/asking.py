"""What the proxy answers itself: texts compressed without being passed on, and asked back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from edgelingua.integrations.proxy import wishes
from edgelingua.integrations.proxy.cut import Cut, new_id
from edgelingua.integrations.proxy.dialects import Dialect
from edgelingua.integrations.proxy.headers import credentials
from edgelingua.integrations.proxy.preparing import report, squeeze
from edgelingua.integrations.proxy.squeezing import Squeezer
from edgelingua.integrations.server.compressing import done, task_of
from edgelingua.integrations.server.limits import read_json
from edgelingua.integrations.server.patience import Patience
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.savings import Savings
from edgelingua.integrations.server.values import json_object, mapping, said
from edgelingua.recovery import requote
from edgelingua.text.boundaries import words

_CHAT = Dialect("openai", True)
_NOBODY = "-"
"""The model of a text that is for none."""


class Asking:
    """Answers ``/v1/compress`` and ``/v1/recover``.

    Parameters
    ----------
    squeezer
        What cuts texts, and knows which it has cut.
    savings
        Where it is written down.
    """

    def __init__(self, squeezer: Squeezer, savings: Savings) -> None:
        self._squeezer = squeezer
        self._savings = savings

    async def compress(self, http: HttpRequest) -> Response:
        """Compress messages as they would be passed on, or a text by itself."""
        body = await self._body(http)
        if "messages" not in body:
            return _json(await self._text(body))
        own = {name: body.pop(name) for name in ("rate", "pin", "documents") if name in body}
        if own:
            body[wishes.FIELD] = {**own, **mapping(body.get(wishes.FIELD), wishes.FIELD)}
        wished = wishes.read(body, http.headers, self._squeezer.options)
        whose = credentials(http.headers.raw)
        squeezed, _ = await squeeze(body, wished, whose, _CHAT, self._squeezer)
        return _json({"object": "compression", **body, **report(squeezed)})

    async def recover(self, http: HttpRequest) -> Response:
        """Return the whole of a text that was shortened, or an answer in its wording."""
        body = await self._body(http)
        found = self._squeezer.state.cut(said(body, "id"))
        if found is None:
            raise ApiError(
                "Nothing is kept under this id: expected one that a compression named, and that is "
                "not too old.",
                status=404,
                code="not_found",
                param="id",
            )
        done: dict[str, Any] = {
            "object": "recovery",
            "id": found.id,
            "text": found.original,
            "sent": found.text,
            "kept": found.spans,
        }
        if "answer" in body:
            answer = requote(found.original, _kept(found), said(body, "answer"))
            done["answer"] = answer.text
            done["citations"] = [asdict(citation) for citation in answer.citations]
        return _json(done)

    async def _body(self, http: HttpRequest) -> dict[str, Any]:
        return dict(json_object(await read_json(http, int(self._squeezer.options.body_mb * 1e6))))

    async def _text(self, body: Mapping[str, Any]) -> dict[str, Any]:
        squeezer, patience = self._squeezer, Patience(self._squeezer.options.compress_seconds)
        task = task_of(body, squeezer.options.rate)
        with squeezer.worker.admitted():
            found = await squeezer.worker.call(
                lambda: done(squeezer.compressor, task, patience.check), patience
            )
        self._savings.compressed(task.model or _NOBODY, found)
        spans = tuple(map(tuple, found.spans.tolist()))
        kept = Cut(new_id(), task.text, found.reply["text"], spans)
        squeezer.state.put(kept)
        return {"id": kept.id, **found.reply}


def _json(value: Any) -> Response:
    """Write a reply in ASCII: texts may hold halves of surrogate pairs."""
    return Response(json.dumps(value), media_type="application/json")


def _kept(found: Cut) -> list[tuple[int, int]]:
    """Return the words that a cut kept, as character ranges of the original."""
    return [
        (int(first) + start, int(last) + start)
        for start, end in found.spans
        for first, last in words(found.original[start:end])
    ]
