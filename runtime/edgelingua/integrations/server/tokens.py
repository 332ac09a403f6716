"""``/tokenize``: the reader's tokens of a text, as llama-server tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from edgelingua.integrations.server import fields
from edgelingua.integrations.server.limits import read_json
from edgelingua.integrations.server.values import flag, json_object, said
from edgelingua.llama.vocabulary import Vocabulary

_FIELDS = frozenset({"add_special", "content"})


def tokenizing(reader: Vocabulary, most: int) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint.

    Parameters
    ----------
    reader
        Whose tokens they are.
    most
        Bytes of a request.
    """

    async def tokenize(http: Request) -> Response:
        body = json_object(await read_json(http, most))
        fields.check(body, _FIELDS)
        text, whole = said(body, "content"), flag(body, "add_special")

        def tokens() -> list[int]:
            # A part of a chat has no beginning of its own.
            found = reader.tokenize(text, begin=True) if whole else reader.tokenize_part(text)
            return [int(token) for token in found]

        return JSONResponse({"tokens": await asyncio.to_thread(tokens)})

    return tokenize
