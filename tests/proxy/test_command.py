"""``edgelingua serve --upstream`` as people start it."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.responses import StreamingResponse

from tests.proxy.client import CLIENT
from tests.proxy.conftest import LOG, Scripted, agent

HIDE = "import sys; sys.modules.update(dict.fromkeys({!r}.split()))\n"


def command(*options: str, hide: str = "") -> list[str]:
    script = HIDE.format(hide) + "from edgelingua.__main__ import main; main()"
    return [sys.executable, "-c", script, "serve", *options]


def failed(*options: str, hide: str = "") -> tuple[int, str]:
    done = subprocess.run(
        command(*options, hide=hide), capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM")
def test_streams_end_in_their_own_form_when_it_is_stopped(upstream: Scripted) -> None:
    async def forever() -> AsyncIterator[bytes]:
        while True:
            yield b"event: ping\ndata: {}\n\n"
            await asyncio.sleep(0.05)

    async def reply(*_: object) -> StreamingResponse:
        return StreamingResponse(forever(), media_type="text/event-stream")

    upstream.reply = reply
    options = ["--upstream", upstream.url, "--port", "0", "--threads", "1", "--drain", "1"]
    process = subprocess.Popen(command(*options), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found = re.search(r"at (http://[^/\s]+)", process.stderr.readline())
    assert found
    with CLIENT.stream("POST", found[1] + "/v1/messages", json=agent()) as response:
        pieces = response.iter_raw()
        next(pieces)
        process.send_signal(signal.SIGTERM)
        assert b"".join(pieces).count(b'event: error\ndata: {"type": "error"') == 1
    assert process.wait(60) == 143


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM")
def test_it_serves_without_llama_cpp_until_it_is_told_to_stop(
    upstream: Scripted, tmp_path: Path
) -> None:
    options = ["--upstream", upstream.url, "--port", "0", "--rate", "0.3", "--threads", "1"]
    options += ["--state", str(tmp_path / "state")]
    process = subprocess.Popen(
        command(*options, hide="llama_cpp"), stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        found = re.search(r"at (http://[^/\s]+)", process.stderr.readline())
        assert found
        response = CLIENT.post(found[1] + "/v1/chat/completions", json=agent())
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143  # told to stop
    assert response.status_code == 200
    assert len(upstream.bodies[0]["messages"][3]["content"]) < len(LOG)
    assert (tmp_path / "state" / "edgelingua.sqlite").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--upstream", "ftp://x"], "expected http://"),
        (["--upstream", "http://a:secret@x"], "password"),
        (["--upstream", "http://x", "--cap", "512"], "--cap"),
        (["--rate", "0.3"], "--upstream"),
        (["--upstream", "http://x", "--rate", "2"], "rate of 2"),
        (["--upstream", "http://x", "--host", "0.0.0.0"], "API key"),
    ],
)
def test_wrong_use_is_told(options: list[str], said: str) -> None:
    status, stderr = failed(*options)
    assert status == 2
    assert said in " ".join(stderr.replace("│", "").split())
    assert "secret" not in stderr


def test_a_missing_extra_is_named_with_its_command() -> None:
    status, stderr = failed("--upstream", "http://x", hide="httpx")
    assert status == 1
    assert "pip install 'edgelingua[server]'" in stderr
