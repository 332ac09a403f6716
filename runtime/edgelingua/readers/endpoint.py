"""An OpenAI-compatible endpoint over HTTP: asked once, streamed, left at once when cancelled."""

from __future__ import annotations

import json
from collections.abc import Generator
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from edgelingua.errors import InputError, MissingExtraError
from edgelingua.system.addresses import check_url, is_loopback

try:
    import httpx
    from anyio.from_thread import start_blocking_portal

    from edgelingua.readers.bodies import TooLongError, beginning, data_of
    from edgelingua.readers.troubles import Troubles
except ModuleNotFoundError as error:
    raise MissingExtraError(error.name or "httpx", "remote") from error

_CONNECT = 10.0
_SOON = 60.0
"""Longest silence where no model has to read or write."""
_LOOK = 0.1
"""Seconds after which a reply that has sent nothing is asked whether it was cancelled."""
_MOST = 32_000_000


class Endpoint:
    """Where a model is asked.

    Nothing is asked twice: whoever asked knows whether to try again.

    Parameters
    ----------
    url
        ``http://127.0.0.1:11434/v1``; without a path, ``/v1`` is meant.
    api_key
        What it wants to be told; ``None``: nothing. It stands in no error.
    seconds
        Longest silence.

    Raises
    ------
    InputError
        The address or the key cannot be one.
    """

    def __init__(self, url: str, api_key: str | None, seconds: float) -> None:
        check_url(url, "the reader")
        if not seconds > 0:
            raise InputError(f"a silence of at most {seconds} seconds: expected more than 0")
        try:
            httpx.URL(url)
        except (httpx.InvalidURL, UnicodeError):
            raise InputError("the reader's address has characters that none can have") from None
        parts = urlsplit(url.rstrip("/"))
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path or '/v1'}"
        self.root = self.url.removesuffix("/v1")
        key = _checked(api_key)
        self.troubles = Troubles(self.url, key, seconds)
        self._options: dict[str, Any] = {
            "headers": {"Authorization": f"Bearer {key}"} if key else {},
            "timeout": httpx.Timeout(seconds, connect=_CONNECT),
            "follow_redirects": False,
            # A proxy that the environment names leads to other machines, not to this one.
            "trust_env": not is_loopback(parts.hostname or ""),
        }
        soon = httpx.Timeout(min(seconds, _SOON), connect=_CONNECT)
        self._client = httpx.Client(**self._options | {"timeout": soon})

    def json(self, url: str, body: dict[str, Any] | None = None) -> Any | None:
        """Return what it answers at an address; ``None`` where there is no such path.

        Raises
        ------
        ReaderError
            It cannot be reached, refuses, or answers with something else.
        """
        method, content = "GET" if body is None else "POST", bytearray()
        try:
            with self._client.stream(method, url, json=body) as response:
                for part in response.iter_bytes():
                    content += part
                    if len(content) > _MOST:
                        raise self.troubles.odd("more than was asked for")
        except httpx.HTTPError as error:
            raise self.troubles.failed(error) from None
        if response.status_code in (404, 405, 501):
            return None
        if response.status_code != 200:
            raise self.troubles.refused(response, bytes(content), body or {})
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise self.troubles.odd("what is no JSON") from None

    def events(
        self, path: str, body: dict[str, Any], cancel: Event
    ) -> Generator[dict[str, Any], None, None]:
        """Yield what it answers, an object for each event, to the end.

        Parameters
        ----------
        path
            Behind the address.
        body
            What is asked.
        cancel
            Ends it when set, whatever the endpoint does meanwhile; it sees the connection closed.

        Raises
        ------
        ReaderError
            As for `json`; or it breaks off, or tells of a failure.
        """
        lines: SimpleQueue[str | None] = SimpleQueue()
        with start_blocking_portal() as portal:
            work = portal.start_task_soon(self._fetch, self.url + path, body, lines)
            try:
                while not cancel.is_set():
                    try:
                        line = lines.get(timeout=_LOOK)
                    except Empty:
                        continue
                    if line is None:
                        work.result()
                        return
                    if line == "[DONE]":
                        return
                    event = self._object(line)
                    if "error" in event:
                        raise self.troubles.told(event, body)
                    yield event
            finally:
                work.cancel()

    async def _fetch(self, url: str, body: dict[str, Any], lines: SimpleQueue[str | None]) -> None:
        """Put the data of each event into a queue, and ``None`` behind the last."""
        try:
            async with (
                httpx.AsyncClient(**self._options) as client,
                client.stream("POST", url, json=body) as response,
            ):
                if response.status_code != 200:
                    raise self.troubles.refused(response, await beginning(response), body)
                kind = response.headers.get("content-type", "").partition(";")[0].strip()
                if kind == "application/json":  # it does not stream
                    lines.put((await beginning(response)).decode("utf-8", "replace"))
                    lines.put("[DONE]")
                elif kind == "text/event-stream":
                    async for data in data_of(response):
                        lines.put(data)
                else:
                    raise self.troubles.odd(f"{kind[:40]!r}")
        except httpx.HTTPError as error:
            raise self.troubles.failed(error) from None
        except TooLongError:
            raise self.troubles.odd("a line without an end") from None
        finally:
            lines.put(None)

    def _object(self, line: str) -> dict[str, Any]:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise self.troubles.odd("what is no JSON object")
        return value


def _checked(key: str | None) -> str | None:
    if key is None:
        return None
    key = key.strip()  # as from a file that ends with a line break
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise InputError("the API key cannot be one: it is empty, or has blanks or other letters")
    return key
