"""What to tell of an endpoint that fails: never the key, nor what it was asked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx

from edgelingua.errors import ReaderError

_MOST_SAID = 200
_QUOTED = 20
"""Characters in a row that are a quotation of what was asked."""


class RefusedError(ReaderError):
    """The endpoint refuses, with a status of HTTP."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Troubles:
    """Makes errors of what an endpoint does.

    Parameters
    ----------
    url
        Where it is.
    key
        What it is told; ``None``: nothing.
    seconds
        Longest silence.
    """

    url: str
    key: str | None
    seconds: float

    def told(self, event: dict[str, Any], asked: dict[str, Any]) -> ReaderError:
        """Return what to tell of a failure that the endpoint tells of instead of an answer."""
        said = self._said(event, asked)
        return ReaderError(f"{self.url}: failed{said and f': {said}'}")

    def refused(
        self, response: httpx.Response, content: bytes, asked: dict[str, Any]
    ) -> ReaderError:
        """Return what to tell of a refusal: its status, and what the endpoint says of it."""
        status = response.status_code
        if status in (401, 403):
            how = "it wants another key" if self.key else "it wants a key (--api-key)"
            return RefusedError(f"{self.url}: access refused ({status}): {how}", status)
        if status in (429, 503):
            after = response.headers.get("retry-after", "")
            wait = f" in {after} s" if after.isdecimal() and len(after) < 7 else " later"
            return RefusedError(f"{self.url}: too busy ({status}); try again{wait}", status)
        try:
            said = self._said(json.loads(content), asked)
        except (ValueError, RecursionError):
            said = ""
        message = f"{self.url}: refused with status {status}{said and f': {said}'}"
        return RefusedError(message, status)

    def _said(self, value: Any, asked: dict[str, Any]) -> str:
        """Return what an error says, unless it quotes what was asked; never the key."""
        error = value.get("error") if isinstance(value, dict) else None
        said = error.get("message") if isinstance(error, dict) else error
        if not isinstance(said, str):
            return ""
        if self.key:
            said = said.replace(self.key, "…")
        said = "".join(c if c.isprintable() else " " for c in said[:_MOST_SAID])
        texts = [str(each["content"]) for each in asked.get("messages", ())]
        pieces = [said[at : at + _QUOTED] for at in range(len(said) - _QUOTED + 1)]
        return "" if any(piece in text for piece in pieces for text in texts) else said

    def failed(self, error: httpx.HTTPError) -> ReaderError:
        """Return what to tell of a connection that fails."""
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return ReaderError(
                f"{self.url}: cannot be reached; is the server running, and at this address?"
            )
        if isinstance(error, httpx.TimeoutException):
            return ReaderError(
                f"{self.url}: said nothing for {self.seconds:g} s, the limit here (--seconds)"
            )
        return self.broken()

    def broken(self) -> ReaderError:
        """Return what to tell of an answer that is not whole."""
        return ReaderError(f"{self.url}: broke off before the answer was whole; ask again")

    def odd(self, what: str) -> ReaderError:
        """Return what to tell of an answer in no form that is known."""
        return ReaderError(
            f"{self.url}: answered with {what}; expected OpenAI's interface, as at "
            "http://HOST:PORT/v1"
        )
