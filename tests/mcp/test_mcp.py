"""The tools over both transports, by the SDK's own client; what is refused, and what is logged."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from subprocess import PIPE
from threading import Event
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
import typer
from mcp import MCPError

from edgelingua.budget import Budget
from edgelingua.cli.mcp import mcp
from edgelingua.compressors import load_compressor
from edgelingua.errors import CancelledError, InputError
from edgelingua.integrations.mcp.shelf import MOST, Shelf
from edgelingua.integrations.mcp.tools import Tools
from edgelingua.prompt import Prompt
from edgelingua.text.estimate import estimated_tokens
from tests.conftest import DOCUMENT
from tests.mcp.conftest import COMMAND, KEY, over_http, over_stdio, serving

if TYPE_CHECKING:
    from mcp import Client

    from edgelingua.compressed import Compressed
    from edgelingua.scores import Progress

QUESTION = "Which city had a devastating fire?"
QUOTED = "The answer is: millions of accumulated wealth in the city of Boston"
SECRET = "zebra-4711"


async def _used(client: Client, document: str) -> set[str]:
    """Use all that there is; return the names of the tools."""
    tools = {tool.name for tool in (await client.list_tools()).tools}

    async def call(tool: str, **arguments: Any) -> dict[str, Any]:
        result = await client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        return dict(result.structured_content or {})

    count = await call("count", text=document)
    assert count["tokens"] == estimated_tokens(document)
    planned = await call("plan", text=document, cap=2048, question=QUESTION, answer=100)
    assert not planned["fits"]
    assert planned["tokens_in"] == count["tokens"]
    room = planned["tokens_out"]
    assert room + planned["question_tokens"] + 100 == 2048
    assert (await call("plan", text=document, cap=10**6))["fits"]

    made = await call("compress", text=document, question=QUESTION, tokens=60)
    assert "Boston" in made["text"]
    assert made["tokens_out"] == estimated_tokens(made["text"]) <= made["limit"] == 60
    found = await call("recover", id=made["id"], answer=QUOTED)
    (quotation,) = found["quotations"]
    assert document[quotation["start"] : quotation["end"]] == quotation["text"]
    assert (await call("recover", id=made["id"]))["text"] == document
    resource = (await client.read_resource(made["dropped"])).contents[0]
    left_out = getattr(resource, "text", "").split("\n[…]\n")
    assert all(passage in document for passage in left_out)
    together = sum(map(len, left_out)) + len(made["text"])
    assert 0 <= len(document) - together <= 2 * (len(left_out) + 1)
    return tools


def test_over_stdio_and_nothing_is_logged(document: str, tmp_path: Path) -> None:
    (tmp_path / "grant.txt").write_text(document, encoding="utf-8")
    (tmp_path / "latin.txt").write_bytes("déjà".encode("latin-1"))
    (tmp_path / "out").symlink_to(DOCUMENT)

    async def talk(client: Client) -> set[str]:
        tools = await _used(client, document)
        whole = await client.call_tool("compress_file", {"file": "grant.txt", "rate": 0.01})
        assert not whole.is_error
        for file in ("out", "../grant.txt", str(DOCUMENT), ".", "", "a\0b", "none.txt"):
            result = await client.call_tool("compress_file", {"file": file})
            assert result.is_error
            assert "the name of a text file in the server's folder" in str(result.content)
        result = await client.call_tool("compress_file", {"file": "latin.txt"})
        assert "not valid UTF-8" in str(result.content)
        for tool, arguments, says in (
            ("compress", {"text": " "}, "empty or blank"),
            ("compress", {"text": SECRET, "tokens": 0}, "at least 1"),
            ("compress", {"text": SECRET, "rate": 1.5}, "a rate of 1.5"),
            ("compress", {"text": SECRET, "rate": 0.5, "tokens": 9}, "not both"),
            ("compress", {"text": SECRET, "pin": ["ox"]}, "does not occur"),
            ("compress", {"text": SECRET, "rate": SECRET}, "valid number"),
            ("compress", {"text": SECRET + "\0"}, "binary"),
            ("compress", {}, "Field required"),
            ("recover", {"id": "no"}, "no compression has this id"),
            ("plan", {"text": SECRET, "cap": 9}, "at least 513"),
            ("nonsense", {}, "Unknown tool"),
        ):
            result = await client.call_tool(tool, arguments)
            assert result.is_error
            assert says in str(result.content)
        for uri in ("edgelingua://dropped/no", "file:///etc/passwd"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)
        return tools

    with (tmp_path / "errors").open("w+", encoding="utf-8") as errors:
        tools = over_stdio(talk, errors, "--folder", str(tmp_path))
        errors.seek(0)
        assert errors.read() == ""
    assert tools == {"compress", "compress_file", "count", "plan", "recover"}


def test_over_http_with_a_key(document: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGELINGUA_API_KEY", KEY)
    with serving() as (url, lines):
        tools = over_http(lambda client: _used(client, document), url)
        assert tools == {"compress", "count", "plan", "recover"}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        assert httpx.post(url, json=body).status_code == 401
        assert httpx.post(url, json=body, headers={"Authorization": "Bearer no"}).status_code == 401
        bearer = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        assert httpx.post(url, content=b"x" * 33_000_000, headers=bearer).status_code == 413
        assert httpx.post(url, content=b"{" * 9, headers=bearer).status_code == 400
    said = "".join(lines[1:])
    assert SECRET not in said
    assert "fire" not in said
    assert "Traceback" not in said


def test_pages_of_other_sites_are_not_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGELINGUA_API_KEY", raising=False)
    with serving("--method", "truncate") as (url, _):
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        for header in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
            assert httpx.post(url, json=body, headers=header).status_code == 403


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"http": True, "host": "0.0.0.0"}, "API key"),
        ({"folder": Path("/nowhere")}, "no such folder"),
        ({"count": "/nowhere"}, "no such file"),
        ({"method": "best"}, "no method"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], says: str) -> None:
    with pytest.raises(typer.BadParameter, match=says):
        mcp(**options)


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_while_it_waits(number: int, code: int) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    with subprocess.Popen([*COMMAND, "--method", "truncate"], stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(hello).encode() + b"\n")
        process.stdin.flush()
        assert b'"id":1' in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(60) == code


def test_a_missing_extra_is_named_with_its_command() -> None:
    script = "import sys; sys.modules['mcp'] = None; from edgelingua.__main__ import main; main()"
    command = [sys.executable, "-c", script, "mcp"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "pip install 'edgelingua[mcp]'" in done.stderr


def test_what_its_client_has_cancelled_ends(document: str) -> None:
    pruner, begun, ended = load_compressor("llmlingua2"), Event(), Event()

    class Watched:
        count = staticmethod(pruner.count)

        def compress(
            self, prompt: Prompt, budget: Budget, progress: Progress | None = None
        ) -> Compressed:
            begun.set()
            try:
                return pruner.compress(prompt, budget, progress)
            except CancelledError:
                ended.set()
                raise

    async def cancelled() -> bool:
        tools = Tools(Watched())
        async with anyio.create_task_group() as group:
            group.start_soon(partial(tools.compress, text=document * 20))
            await anyio.to_thread.run_sync(begun.wait)
            group.cancel_scope.cancel()
        assert (await tools.compress("One text more, and it is short.")).tokens_out > 0
        return await anyio.to_thread.run_sync(ended.wait, 60)

    assert anyio.run(cancelled)


def test_only_the_last_compressions_are_kept() -> None:
    pruner, shelf = load_compressor("truncate"), Shelf()
    made = pruner.compress(Prompt.build("One two three four."), Budget(rate=0.5))
    keys = [shelf.put(made) for _ in range(MOST + 1)]
    assert len(set(keys)) == MOST + 1
    with pytest.raises(InputError, match="no compression has this id"):
        shelf.get(keys[0])
    assert shelf.get(keys[1]) is made
