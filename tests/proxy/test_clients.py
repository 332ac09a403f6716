"""The clients that people have, through the proxy: to a scripted server, and to a real one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openai import BadRequestError

from tests.other_server import other_server
from tests.proxy.conftest import FAILURE, LOG, Scripted, agent, completion

if TYPE_CHECKING:
    from anthropic import Anthropic
    from openai import OpenAI

Proxy = Callable[..., str]

THEIRS = "Bearer sk-theirs"


def openai(url: str) -> OpenAI:
    from openai import OpenAI

    return OpenAI(base_url=url + "/v1", api_key="sk-theirs", max_retries=0, timeout=60)


def anthropic(url: str) -> Anthropic:
    from anthropic import Anthropic

    return Anthropic(base_url=url, api_key="sk-theirs", max_retries=0, timeout=60)


def event(name: str, **data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name} | data)}\n\n".encode()


def streaming(upstream: Scripted, *parts: bytes) -> None:
    from starlette.responses import Response, StreamingResponse

    async def reply(http: Any, body: bytes) -> Response:
        return StreamingResponse(iter(parts), media_type="text/event-stream")

    upstream.reply = reply


def test_openais_client_streams_with_tools(upstream: Scripted, proxy: Proxy) -> None:
    def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        data = completion("") | {"object": "chat.completion.chunk", "choices": [choice]}
        return f"data: {json.dumps(data)}\n\n".encode()

    call = {"index": 0, "id": "c2", "type": "function"}
    streaming(
        upstream,
        chunk({"role": "assistant", "content": "db7"}),
        chunk({"tool_calls": [call | {"function": {"name": "logs", "arguments": "{}"}}]}),
        chunk({}, "tool_calls"),
        b"data: [DONE]\n\n",
    )
    tools: Any = [{"type": "function", "function": {"name": "logs", "parameters": {}}}]
    with openai(proxy(rate=0.3)) as client:
        stream = client.chat.completions.with_streaming_response.create(
            **agent(), tools=tools, stream=True, extra_body={"edgelingua": {"pin": ["12:03:07"]}}
        )
        with stream as response:
            assert "compressed=1" in response.headers["x-edgelingua"]
            chunks: list[Any] = list(response.parse())
    assert chunks[0].choices[0].delta.content == "db7"
    assert chunks[1].choices[0].delta.tool_calls[0].function.name == "logs"
    assert chunks[2].choices[0].finish_reason == "tool_calls"
    (sent,) = upstream.bodies
    assert sent["tools"] == tools
    assert "12:03:07" in sent["messages"][3]["content"]
    assert upstream.sent[0][1]["authorization"] == THEIRS


def test_anthropics_client_streams(upstream: Scripted, proxy: Proxy) -> None:
    message = {"id": "m", "type": "message", "role": "assistant", "model": "claude", "content": []}
    usage = {"input_tokens": 9, "output_tokens": 1, "cache_read_input_tokens": 5}
    streaming(
        upstream,
        event("message_start", message=message | {"usage": usage, "stop_reason": None}),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": "It was db7."}),
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 4}),
        event("message_stop"),
    )
    cache = {"cache_control": {"type": "ephemeral"}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": LOG, **cache}
    said: Any = [
        {"role": "user", "content": "Why did worker-3 fail?"},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t", "name": "logs", "input": {}}],
        },
        {"role": "user", "content": [result]},
    ]
    with (
        anthropic(proxy(rate=0.3)) as client,
        client.messages.stream(model="claude", max_tokens=99, messages=said) as stream,
    ):
        assert stream.get_final_text() == "It was db7."
        assert stream.get_final_message().usage.cache_read_input_tokens == 5
    ((path, headers, body),) = upstream.sent
    assert path == "/v1/messages"
    assert {headers.get("x-api-key"), headers.get("authorization")} & {"sk-theirs", THEIRS}
    sent = json.loads(body)["messages"][2]["content"][0]
    assert sent["cache_control"] == cache["cache_control"]
    assert FAILURE.split(" could")[0] in sent["content"]
    assert len(sent["content"]) < 0.6 * len(LOG)


def test_errors_are_what_clients_know(upstream: Scripted, proxy: Proxy) -> None:
    import anthropic as claude
    import openai as gpt

    streaming(upstream)
    url = proxy(body_mb=0.0001)
    said: Any = [{"role": "user", "content": "Why? " * 100}]
    with openai(url) as one, pytest.raises(gpt.APIStatusError) as told:
        one.chat.completions.create(model="m", messages=said)
    assert told.value.code == "request_too_large"
    with anthropic(url) as other, pytest.raises(claude.RequestTooLargeError):
        other.messages.create(model="m", max_tokens=9, messages=said)
    down = proxy(upstream="http://127.0.0.1:9")  # where nobody listens
    with openai(down) as one, pytest.raises(gpt.InternalServerError, match="reached"):
        one.chat.completions.create(model="m", messages=said)
    with anthropic(down) as other, pytest.raises(claude.InternalServerError, match="reached"):
        other.messages.create(model="m", max_tokens=9, messages=said)


@pytest.fixture
def reader(gguf: Path) -> Iterator[str]:
    from tests.server.conftest import start

    running = start("--cap", "1024")
    yield running.url
    running.stop()


@pytest.mark.llama
def test_a_reader_behind_it_finds_its_cache_again(
    reader: str, proxy: Proxy, tmp_path: Path
) -> None:
    """A talk with a real server: what it had read stays what it was, and need not be read again."""
    url = proxy(upstream=reader, rate=0.3, folder=tmp_path / "state")
    said: list[Any] = [
        {"role": "user", "content": "Here is a log."},
        {"role": "assistant", "content": LOG},
        {"role": "user", "content": "Thank you."},
        {"role": "assistant", "content": "You are welcome."},
    ]
    cached = []
    with openai(url) as client:
        for question in ("Why did worker-3 fail?", "Which port?", "Which database?"):
            said.append({"role": "user", "content": question})
            reply = client.chat.completions.create(
                model="smollm2-135m-instruct", messages=said, max_tokens=8, temperature=0
            )
            said.append({"role": "assistant", "content": reply.choices[0].message.content})
            assert reply.usage is not None
            assert reply.usage.prompt_tokens_details is not None
            cached.append(reply.usage.prompt_tokens_details.cached_tokens or 0)
            read = reply.usage.prompt_tokens
        assert cached == sorted(cached)
        assert 300 < cached[-1] <= read < 700


@pytest.fixture
def small_server(gguf: Path) -> Iterator[str]:
    """llama-cpp-python's own server, with room for 512 tokens."""
    with other_server(gguf) as url:
        yield url


@pytest.mark.llama
def test_what_overflows_another_server_fits(small_server: str, proxy: Proxy) -> None:
    body = agent(question="Which port was refused?")
    body["messages"][0] = {"role": "system", "content": "You look after servers."}
    body["messages"][2]["content"] = "I look."
    said = body["messages"]
    with openai(small_server) as client, pytest.raises(BadRequestError, match="context"):
        client.chat.completions.create(model="m", messages=said, max_tokens=4)
    with openai(proxy(upstream=small_server, rate=0.2)) as client:
        stream = client.chat.completions.create(
            model="m", messages=said, max_tokens=4, temperature=0, stream=True
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream)
