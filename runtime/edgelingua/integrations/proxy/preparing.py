"""A request made ready to be passed on."""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
from dataclasses import asdict, dataclass
from typing import Any

from starlette.datastructures import Headers

from edgelingua.integrations.proxy import tool, wishes
from edgelingua.integrations.proxy.choosing import Wishes
from edgelingua.integrations.proxy.dialects import Dialect
from edgelingua.integrations.proxy.entries import Entries
from edgelingua.integrations.proxy.headers import credentials
from edgelingua.integrations.proxy.squeezed import Entry, Squeezed
from edgelingua.integrations.proxy.squeezing import Squeezer
from edgelingua.integrations.proxy.trail import Trail

_LARGE = 1_000_000
"""Bytes of a body that are read beside other work: an image, or a whole book."""


@dataclass(frozen=True)
class Prepared:
    """What goes on: the body, what became of it, whether the reply is to tell of it; the model."""

    content: bytes
    squeezed: Squeezed | None = None
    report: bool = False
    model: str = "-"


def report(squeezed: Squeezed) -> dict[str, Any]:
    """Return what became of a request, as replies tell it."""
    return {
        "tokens_before": squeezed.before,
        "tokens_after": squeezed.after,
        "compressed": [asdict(change) for change in squeezed.changes],
        "failed": squeezed.failed,
    }


async def prepare(
    content: bytes, headers: Headers, dialect: Dialect, squeezer: Squeezer
) -> Prepared:
    """Squeeze a request.

    What is not understood passes on byte for byte: whoever it is meant for will say what is wrong.

    Parameters
    ----------
    content, headers
        The request as it came.
    dialect
        Whose interface it is.
    squeezer
        Cuts what is to be cut.

    Raises
    ------
    ApiError
        A wish is wrong, or nothing is to pass because the compressor failed.
    """
    if "content-encoding" in headers:
        return Prepared(content)
    large = len(content) > _LARGE
    try:
        body = await asyncio.to_thread(_read, content) if large else _read(content)
    except (ValueError, RecursionError):
        return Prepared(content)
    if not isinstance(body, dict):
        return Prepared(content)
    bare = wishes.FIELD not in body
    wished = wishes.read(body, headers, squeezer.options)
    if wished.off:
        return Prepared(content if bare else _written(body))
    original = dict(body)  # texts are put in at the end only
    try:
        squeezed, changed = await squeeze(
            body, wished, credentials(headers.raw), dialect, squeezer, large=large
        )
    except RecursionError:  # as deep as nobody writes
        return Prepared(content)
    except sqlite3.Error as error:  # a full disk
        squeezer.refuse(error)
        return Prepared(content if bare else _written(original), Squeezed(failed=1))
    same = bare and not changed
    model = named if isinstance(named := body.get("model"), str) else "-"
    return Prepared(content if same else _written(body), squeezed, wished.report, model)


async def squeeze(
    body: dict[str, Any],
    wished: Wishes,
    whose: bytes,
    dialect: Dialect,
    squeezer: Squeezer,
    *,
    large: bool = False,
) -> tuple[Squeezed, bool]:
    """Squeeze a request's body where it is; return what became of it, and whether it changed.

    Parameters
    ----------
    body, wished, dialect
        The request, what it wants, whose interface it is.
    whose
        Who asks, see `Trail`.
    squeezer
        Cuts what is to be cut.
    large
        Whether it takes so long to read that others are served beside.
    """
    state = squeezer.state
    changed, whole, note = False, set[int](), ""
    if squeezer.options.recover_tool and dialect.chat:
        whole = tool.fill(body, lambda name: found.original if (found := state.cut(name)) else None)
        if tool.offer(body, dialect.name):
            changed, note = True, tool.NOTE
    entries = Entries(squeezer.compressor, wished, note)

    def found() -> list[Entry]:
        if dialect.chat:
            return entries.of_messages(body, Trail(state.secret, whose), whole)
        return entries.of_prompt(body, lambda: Trail(state.secret, whose), state)

    texts = await asyncio.to_thread(found) if large else found()
    squeezed = await squeezer.squeeze(texts, wished.pins)
    return squeezed, changed or bool(whole) or bool(squeezed.changes)


def _written(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _read(content: bytes) -> Any:
    return json.loads(content, parse_float=_number, parse_constant=_number)


def _number(text: str) -> float:
    """Refuse what could not be written again: NaN, and numbers that are too large."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
