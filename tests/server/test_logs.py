from __future__ import annotations

import asyncio
import io
import json
import logging
import os

import pytest

from edgelingua.integrations.server.logs import Lines, log

SECRET = "the heron-and-otter secret"


def test_a_line_is_json_with_its_time() -> None:
    written = io.StringIO()
    log("request", {"status": 200}, written)
    entry = json.loads(written.getvalue())
    assert (entry.pop("event"), entry.pop("status")) == ("request", 200)
    assert entry.pop("time").endswith("+00:00")
    assert not entry


def test_a_log_that_nobody_reads_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = io.TextIOWrapper(io.FileIO(writing, "w"), write_through=True)
    log("request", {"status": 200}, stream)
    stream.close()


def test_failures_are_lines_that_say_where_and_quote_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = logging.Logger("uvicorn.error")
    logger.addHandler(Lines())
    try:
        dict[str, int]()[SECRET]
    except KeyError as error:
        logger.error("Failed on %r\n", error, exc_info=error)
    logger.warning("Invalid HTTP request received.")
    failure, warning = map(json.loads, capsys.readouterr().err.splitlines())
    assert failure["error"] == "KeyError"
    (at,) = failure["at"]
    assert at.startswith("test_logs.py:")
    assert "heron" not in str(failure)
    assert warning["event"] == "uvicorn.error"
    assert warning["message"] == "Invalid HTTP request received."


def test_a_failure_ends_a_request_and_not_its_connection(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Servers close the connections of applications that raise, without telling clients before."""
    httpx = pytest.importorskip("httpx")
    applications = pytest.importorskip("starlette.applications")
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from edgelingua.integrations.server.door import Door, tell
    from edgelingua.integrations.server.metrics import Counters

    async def fail(_: Request) -> Response:
        raise KeyError(SECRET)

    app = applications.Starlette(routes=[Route("/", fail)], exception_handlers={Exception: tell})
    door = Door(app, Counters(), paths=["/"], check=lambda headers, path: None)

    async def ask() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door)) as client:
            response = await client.get("http://localhost/")
            return int(response.status_code)

    assert asyncio.run(ask()) == 500
    failure, request = map(json.loads, capsys.readouterr().err.splitlines())
    assert failure["error"] == "KeyError"
    assert failure["at"][-1].startswith("test_logs.py:")
    assert SECRET not in str(failure)
    assert request["status"] == 500


def test_a_client_that_takes_nothing_does_not_hold_its_place(
    capsys: pytest.CaptureFixture[str],
) -> None:
    responses = pytest.importorskip("starlette.responses")
    from edgelingua.integrations.server.door import Door, SlowClientError
    from edgelingua.integrations.server.metrics import Counters

    door = Door(
        responses.PlainTextResponse("A long answer."),
        Counters(),
        paths=["/"],
        check=lambda headers, path: None,
        taking=0.05,
    )
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: object) -> None:
        await asyncio.Event().wait()  # as a server does whose buffers are full

    with pytest.raises(SlowClientError):
        asyncio.run(door(scope, receive, send))
    assert json.loads(capsys.readouterr().err)["event"] == "request"
