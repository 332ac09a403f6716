"""Clients of other makers, each as its users have it, against a server that runs.

What they say came is compared with what OpenAI's API promises; their scripts are in ``clients``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.server.conftest import NAME, Running

pytestmark = pytest.mark.llama

CLIENTS = Path(__file__).parent / "clients"
NPM = "openai@6.49.0"


def run(*command: object) -> Any:
    """Return what a client says as JSON on its last line."""
    # litellm would ask the internet for prices.
    environment = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def no_node(reason: str) -> NoReturn:
    if os.environ.get("EDGELINGUA_NODE") == "required":  # as in CI
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the script of npm's openai, in a folder that has the package."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        no_node("needs node and npm; Debian has them in its packages nodejs and npm")
    folder = tmp_path_factory.mktemp("node")
    command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), NPM]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
    if done.returncode:
        no_node(f"npm cannot install {NPM}: {done.stderr}")
    return Path(shutil.copy(CLIENTS / "openai_client.mjs", folder))


def check_chunks(chunks: list[dict[str, Any]], whole: dict[str, Any]) -> None:
    """Check that chunks come in OpenAI's order, and say what the whole answer says."""
    first, *middle, last, usage = chunks
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert first["choices"][0]["delta"]["role"] == "assistant"
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in [first, *middle])
    assert text == whole["choices"][0]["message"]["content"]
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in [first, *middle, last]]
    assert [reason for reason in reasons if reason] == [whole["choices"][0]["finish_reason"]]
    assert reasons[-1]
    assert usage["choices"] == []
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert usage["usage"][name] == whole["usage"][name]
    assert not any(chunk.get("usage") for chunk in chunks[:-1])


def check_call(choice: dict[str, Any]) -> None:
    """Check that the tool was called, in the form in which clients look for it."""
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert (call["type"], call["function"]["name"]) == ("function", "get_weather")
    assert json.loads(call["function"]["arguments"])["city"] in ("Boston", "Paris")
    assert call["id"]


def test_npms_openai_gets_what_it_expects(server: Running, node: Path) -> None:
    said = run("node", node, f"{server.url}/v1", NAME)
    assert said["models"] == [NAME]
    whole = said["whole"]
    check_chunks(said["chunks"], whole)
    assert whole["usage"]["completion_tokens"] == 12
    for found in (said["final"], whole):
        assert found["choices"][0]["finish_reason"] == "length"
    assert (
        said["final"]["choices"][0]["message"]["content"]
        == whole["choices"][0]["message"]["content"]
    )
    stopped = said["stopped"]["choices"][0]
    text = whole["choices"][0]["message"]["content"]
    assert stopped["message"]["content"] == text[: text.index(text[2:6])]
    assert stopped["finish_reason"] == "stop"
    assert said["text"]["choices"][0]["text"]
    for call in (said["call"], said["streamedCall"]):
        check_call(call)
    assert said["told"]["finish_reason"] in ("stop", "length")
    assert said["told"]["message"]["content"]
    assert said["errors"] == {
        "model": _error("NotFoundError", 404, "model_not_found", "model"),
        "role": _error("BadRequestError", 400, "invalid_value", "messages[0].role"),
        "long": _error("BadRequestError", 400, "context_length_exceeded", "messages"),
        "type": _error("BadRequestError", 400, "invalid_type", "temperature"),
    }


def _error(kind: str, status: int, code: str, param: str) -> dict[str, Any]:
    told = {"kind": kind, "status": status, "code": code, "param": param}
    return told | {"type": "invalid_request_error"}


@pytest.mark.slow
def test_langchain_gets_what_it_expects(server: Running, clients: Path) -> None:
    said = run(clients, CLIENTS / "langchain_client.py", f"{server.url}/v1", NAME)
    assert said["text"]
    assert said["batch"] == [said["text"]] * 2
    assert "".join(said["pieces"]) == said["text"]
    assert said["finish"] == said["streamed_finish"] == "length"
    for usage in (said["usage"], said["streamed_usage"]):
        assert usage["output_tokens"] == 12
        assert usage["total_tokens"] == usage["input_tokens"] + 12
    assert said["streamed_usage"]["input_tokens"] == said["usage"]["input_tokens"]
    assert said["stopped"] == said["text"][: said["text"].index(said["text"][2:6])]
    (call,) = said["calls"]
    assert (call["name"], set(call["args"])) == ("get_weather", {"city"})
    assert said["told"]
    assert said["form"] in ("Boston", "Paris")
    assert said["errors"] == {
        "model": ["OpenAIModelNotFoundError", 404, "model_not_found"],
        "long": ["OpenAIContextOverflowError", 400, "context_length_exceeded"],
    }


@pytest.mark.slow
def test_litellm_gets_what_it_expects(server: Running, clients: Path) -> None:
    said = run(clients, CLIENTS / "litellm_client.py", f"{server.url}/v1", NAME)
    check_chunks(said["chunks"], said["whole"])
    text = said["whole"]["choices"][0]["message"]["content"]
    stopped = said["stopped"]["choices"][0]
    assert stopped["message"]["content"] == text[: text.index(text[2:6])]
    assert stopped["finish_reason"] == "stop"
    check_call(said["call"])
    assert said["errors"] == {
        "model": ["NotFoundError", 404],
        "long": ["ContextWindowExceededError", 400],
    }
