"""Requests go on and answers come back as they are, whatever they are."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse

from tests.proxy.client import CLIENT
from tests.proxy.conftest import Scripted, agent

if TYPE_CHECKING:
    from starlette.requests import Request

Proxy = Callable[..., str]

ASK = {"model": "m", "messages": [{"role": "user", "content": "Why?"}]}


def test_headers_fields_and_bytes_pass_unchanged(upstream: Scripted, proxy: Proxy) -> None:
    raw = b'{ "model":"m", "messages":[{"role":"user","content":"Caf\\u00e9?"}],"x_own": 1.10 }'
    headers = {
        "Authorization": "Bearer sk-secret",
        "X-Own": "1",
        "Idempotency-Key": "k1",
        "Content-Type": "application/json",
        "Connection": "keep-alive, X-Hop",
        "X-Hop": "1",
        "TE": "trailers",
        "X-Edgelingua-Rate": "0.4",
    }

    async def reply(http: Request, body: bytes) -> Response:
        return Response(b"not JSON at all", 418, {"X-Theirs": "2", "Keep-Alive": "timeout=5"})

    upstream.reply = reply
    response = CLIENT.post(proxy() + "/v1/chat/completions?a=%2F&b", content=raw, headers=headers)
    assert response.status_code == 418
    assert response.content == b"not JSON at all"
    assert response.headers["x-theirs"] == "2"
    assert "keep-alive" not in response.headers
    assert response.headers.get_list("date") != []
    assert len(response.headers.get_list("date")) == 1
    ((path, got, body),) = upstream.sent
    assert path == "/v1/chat/completions?a=%2F&b"
    assert body == raw
    assert got["authorization"] == "Bearer sk-secret"
    assert got["x-own"] == "1"
    assert got["idempotency-key"] == "k1"
    assert got["host"] == upstream.url.removeprefix("http://")
    assert not {"x-hop", "te", "x-edgelingua-rate"} & got.keys()


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT", "PATCH"])
def test_other_paths_and_methods_pass(upstream: Scripted, shared: str, method: str) -> None:
    content = b"\0anything" if method in ("PUT", "PATCH") else b""
    response = CLIENT.request(method, shared + "/v1/models/a%20b", content=content)
    assert response.status_code == 200
    assert upstream.sent[0][2] == content


def test_packed_answers_stay_packed(upstream: Scripted, shared: str) -> None:
    packed = gzip.compress(json.dumps({"data": []}).encode())

    async def reply(http: Request, body: bytes) -> Response:
        return Response(packed, 200, {"Content-Encoding": "gzip"}, "application/json")

    upstream.reply = reply
    with CLIENT.stream("GET", shared + "/v1/models") as response:
        assert b"".join(response.iter_raw()) == packed


def test_a_base_path_is_there_once(upstream: Scripted, proxy: Proxy) -> None:
    CLIENT.post(proxy(upstream=upstream.url + "/openai/v1/") + "/v1/chat/completions", json=ASK)
    CLIENT.post(proxy(upstream=upstream.url + "/openai") + "/v1/chat/completions", json=ASK)
    assert [path for path, _, _ in upstream.sent] == ["/openai/v1/chat/completions"] * 2


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/../admin", "/v1/%2e%2E/admin", "/v1/..%2fadmin", "/.."),
        *("/v1/models#x", "/" + "a" * 65_536),
    ],
    ids=lambda path: path[:16],
)
def test_no_path_leads_out_of_the_upstreams(upstream: Scripted, proxy: Proxy, path: str) -> None:
    host, port = proxy(upstream=upstream.url + "/mine").removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as wire:
        wire.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        assert b" 400 " in wire.makefile("rb").readline()
    assert not upstream.sent


def test_streams_come_as_they_are_written(upstream: Scripted, proxy: Proxy) -> None:
    parts = [b'data: {"a":1}\n\n', b": ping\n\n", b'data: {"a"', b":2}\n\n", b"data: [DONE]\n\n"]
    first = threading.Event()

    async def wait() -> Any:
        yield parts[0]
        await asyncio.to_thread(first.wait, 10)
        for part in parts[1:]:
            yield part

    async def reply(http: Request, body: bytes) -> Response:
        return StreamingResponse(wait(), media_type="text/event-stream")

    upstream.reply = reply
    url = proxy() + "/v1/chat/completions"
    with CLIENT.stream("POST", url, json=ASK | {"stream": True}) as response:
        raw = response.iter_raw()
        got = next(raw)
        assert got == parts[0]  # while the rest is not written yet
        first.set()
        assert got + b"".join(raw) == b"".join(parts)


def test_nothing_is_sent_twice(upstream: Scripted, proxy: Proxy) -> None:
    async def reply(http: Request, body: bytes) -> Response:
        return JSONResponse({"error": "busy"}, 503, {"Retry-After": "1"})

    upstream.reply = reply
    response = CLIENT.post(proxy() + "/v1/chat/completions", json=agent())
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert len(upstream.sent) == 1


PATHS: dict[str, Callable[[Any], bool]] = {
    "/v1/chat/completions": lambda body: body["error"]["type"] == "server_error",
    "/v1/messages": lambda body: body["type"] == "error" and body["error"]["type"] == "api_error",
    "/api/chat": lambda body: isinstance(body["error"], str),
}


@pytest.mark.parametrize("path", PATHS)
def test_an_upstream_that_is_down_is_told_in_the_form_asked(proxy: Proxy, path: str) -> None:
    with socket.socket() as taken:  # a port where nobody listens
        taken.bind(("127.0.0.1", 0))
        down = proxy(upstream=f"http://127.0.0.1:{taken.getsockname()[1]}")
        response = CLIENT.post(down + path, json=ASK, headers={"x-api-key": "sk-secret"})
    assert response.status_code == 502
    assert PATHS[path](response.json())
    assert "sk-secret" not in response.text


@contextmanager
def saying(*parts: bytes, hold: bool = False) -> Iterator[str]:
    """Listen with a bare socket that says something to whoever comes, and hangs up."""
    ended = threading.Event()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            wire, _ = listener.accept()
            with wire:
                wire.recv(65536)
                for part in parts:
                    wire.sendall(part)
                if hold:
                    ended.wait(20)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended.set()
        thread.join(20)


def test_an_upstream_that_speaks_no_http_is_told(proxy: Proxy) -> None:
    with saying(b"SSH-2.0-OpenSSH_9.6\r\n") as url:
        response = CLIENT.post(proxy(upstream=url) + "/v1/chat/completions", json=ASK)
    assert response.status_code == 502
    assert response.json()["error"]["code"] == "upstream_broken"


@pytest.mark.parametrize("path", PATHS)
def test_an_upstream_that_says_nothing_is_told(proxy: Proxy, path: str) -> None:
    with saying(hold=True) as url:
        response = CLIENT.post(proxy(upstream=url, seconds=0.3) + path, json=ASK, timeout=20)
    assert response.status_code == 504


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
FIRST = b'd\r\ndata: {"a":1}\r\n'


@pytest.mark.parametrize("hold", [True, False])
@pytest.mark.parametrize(
    ("path", "kind", "ending"),
    [
        ("/v1/chat/completions", b"text/event-stream", b'\n\ndata: {"error": {"message": '),
        ("/v1/messages", b"text/event-stream", b'\n\nevent: error\ndata: {"type": "error"'),
        ("/api/chat", b"application/x-ndjson", b'\n{"error": "'),
    ],
)
def test_a_stream_that_breaks_off_ends_with_the_error(
    proxy: Proxy, path: str, kind: bytes, ending: bytes, hold: bool
) -> None:
    with saying(HEAD % kind, FIRST, hold=hold) as url:
        response = CLIENT.post(proxy(upstream=url, seconds=0.5) + path, json=ASK, timeout=20)
    assert response.content.startswith(b'data: {"a":1}' + ending)


def test_a_body_that_breaks_off_breaks_off_here_too(proxy: Proxy) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    with saying(head) as url, pytest.raises(httpx.RemoteProtocolError):
        CLIENT.post(proxy(upstream=url) + "/v1/chat/completions", json=ASK)


def test_a_client_that_goes_stops_the_upstreams_work(upstream: Scripted, proxy: Proxy) -> None:
    ended = threading.Event()

    async def slowly() -> Any:
        try:
            for _ in range(1000):
                yield b"data: {}\n\n"
                await asyncio.sleep(0.05)
        finally:
            ended.set()

    async def reply(http: Request, body: bytes) -> Response:
        return StreamingResponse(slowly(), media_type="text/event-stream")

    upstream.reply = reply
    with CLIENT.stream("POST", proxy() + "/v1/chat/completions", json=ASK) as response:
        next(response.iter_raw())
    assert ended.wait(10)


def test_bodies_and_clients_have_limits(upstream: Scripted, proxy: Proxy) -> None:
    url = proxy(body_mb=0.01, clients=1)
    big = CLIENT.post(url + "/v1/messages", json=ASK | {"x": "y" * 20_000})
    assert big.status_code == 413
    assert big.json()["error"]["type"] == "request_too_large"
    waiting = threading.Event()

    async def reply(http: Request, body: bytes) -> Response:
        await asyncio.to_thread(waiting.wait, 10)
        return JSONResponse({})

    upstream.reply = reply
    thread = threading.Thread(target=lambda: CLIENT.post(url + "/api/chat", json=ASK, timeout=20))
    thread.start()
    while not upstream.sent:
        pass
    busy = CLIENT.post(url + "/v1/chat/completions", json=ASK)
    waiting.set()
    thread.join()
    assert busy.status_code == 429
    assert int(busy.headers["retry-after"]) > 0


DEEP = b'{"messages": [{"role": "user", "content": %s}]}'


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"{",
            b"[]",
            b"\xff",
            b"",
            b"[" * 100_000,
            b"null",
            b'"text"',
            b'{"edgelingua": {}, "x": NaN}',
        ),
        *(b'{"edgelingua": {}, "x": 1e400}', DEEP % (b"[" * 700 + b"]" * 700)),
    ],
)
def test_what_is_not_understood_is_the_upstreams_to_judge(
    upstream: Scripted, shared: str, raw: bytes
) -> None:
    assert CLIENT.post(shared + "/v1/chat/completions", content=raw).status_code == 200
    assert upstream.sent[0][2] == raw


def test_large_bodies_pass_too(upstream: Scripted, shared: str) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "aGk=" * 500_000}}
    body = {"messages": [{"role": "user", "content": [image, {"type": "text", "text": "What?"}]}]}
    CLIENT.post(shared + "/v1/chat/completions", json=body | {"edgelingua": {"rate": 0.2}})
    assert upstream.bodies == [body]


def test_packed_requests_pass_as_they_are(upstream: Scripted, shared: str) -> None:
    packed = gzip.compress(json.dumps(agent()).encode())
    CLIENT.post(
        shared + "/v1/chat/completions", content=packed, headers={"Content-Encoding": "gzip"}
    )
    assert upstream.sent[0][2] == packed


def test_pages_of_other_sites_may_not_ask(upstream: Scripted, shared: str) -> None:
    url = shared
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
    ):
        response = CLIENT.post(url + "/api/generate", json={"prompt": "x"}, headers=headers)
        assert response.status_code == 403
    assert not upstream.sent
    own = CLIENT.get(url + "/v1/models", headers={"Origin": "http://localhost:3000"})
    assert own.status_code == 200


def test_the_proxys_own_key_goes_no_further(upstream: Scripted, proxy: Proxy) -> None:
    url = proxy(api_key="own", host="127.0.0.1")
    theirs = {"Authorization": "Bearer sk-theirs"}
    assert CLIENT.get(url + "/v1/models", headers=theirs).status_code == 401
    both = theirs | {"X-Edgelingua-Key": "own"}
    assert CLIENT.get(url + "/v1/models", headers=both).status_code == 200
    ((_, headers, _),) = upstream.sent
    assert headers["authorization"] == "Bearer sk-theirs"
    assert "x-edgelingua-key" not in headers


def test_keys_and_texts_are_in_no_log_and_no_metric(
    upstream: Scripted, proxy: Proxy, capfd: pytest.CaptureFixture[str]
) -> None:
    url = proxy()
    CLIENT.post(
        url + "/v1/chat/completions",
        json=agent(),
        headers={"Authorization": "Bearer sk-secret"},
        params={"key": "sk-query"},
    )
    page = CLIENT.get(url + "/metrics").text
    said = "".join(capfd.readouterr())
    assert '"tokens_after"' in said
    assert "edgelingua_texts_compressed_total 1.0" in page
    for secret in ("sk-secret", "sk-query", "worker-3"):
        assert secret not in said + page
