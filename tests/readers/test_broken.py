"""Endpoints that misbehave: what is told, and that nothing said or secret is in it."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

import pytest

from edgelingua.assistant import Assistant, Reply
from edgelingua.budget import Budget
from edgelingua.compressors import load_compressor
from edgelingua.errors import CancelledError, CapError, EdgeLinguaError, InputError, ReaderError
from edgelingua.llama.sampling import Sampling
from edgelingua.readers import endpoint
from edgelingua.readers.remote import RemoteReader
from tests.readers.conftest import KEY, Broken, events, response

TEXT = "The red boat of Tom lies in the harbour of Hull. " * 4
CHAT = "/chat/completions"
HTML = response(b"<html>hello", kind="text/html")
PIECE = {"choices": [{"delta": {"content": "Tom"}}]}
MODELS_PLAIN = response(b'{"data": [{"id": "one"}]}')
THOUGHT = {"choices": [{"delta": {"content": "", "reasoning_content": "Hm."}}]}
LONG = {"choices": [{"delta": {}, "finish_reason": "length"}]}
STOP = {"choices": [{"delta": {}, "finish_reason": "stop"}]}


def ask(server: Broken, seconds: float = 30.0, **options: str) -> Reply:
    reader = RemoteReader(server.url, count=len, seconds=seconds, **options)
    assistant = Assistant(load_compressor("truncate"), reader)
    return assistant.ask(TEXT, "Whose boat?", Budget(tokens=120), max_tokens=10)


def error(message: str, status: str = "400 Bad Request", more: str = "") -> bytes:
    return response(b'{"error": {"message": "%s"}}' % message.encode(), status, more=more)


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (b"", "broke off"),
        (b"SSH-2.0-server\r\n", "broke off"),
        (HTML, "answered with 'text/html'"),
        (response(b"no json"), "what is no JSON object"),
        (events("{not json"), "what is no JSON object"),
        (events([1]), "what is no JSON object"),
        (events(PIECE, end=False), "broke off before the answer was whole"),
        (events(PIECE), "broke off before the answer was whole"),
        (events(PIECE, {"error": {"message": "out of memory"}}), "failed: out of memory"),
        (events(PIECE, {"error": "out of memory"}), "failed: out of memory"),
        (events(PIECE, {"error": None}), "failed"),
        (events(THOUGHT, LONG), "spent all 10 tokens on thinking"),
        (events(*[{"choices": [{"delta": {"content": "a" * 99999}}]}] * 20), "does not end"),
        (response(b"data: " + b"a" * 5_000_000, kind="text/event-stream"), "without an end"),
        (error("too hot", "500 Internal Server Error"), "status 500: too hot"),
        (error("bad " + KEY), "status 400: bad …"),
        (error("I was asked: " + TEXT), "status 400"),
        (
            error("", "429 Too Many Requests", "Retry-After: 7\r\n"),
            r"too busy \(429\); try again in 7 s",
        ),
        (error("", "503 Service Unavailable"), "try again later"),
        (error("", "401 Unauthorized"), r"access refused \(401\): it wants another key"),
        (error("", "404 Not Found"), "no model 'one' there; it has one"),
        (response(b"", "302 Found", more="Location: http://example.invalid/\r\n"), "status 302"),
    ],
)
def test_what_goes_wrong_is_told(says: bytes, told: str, broken: Broken) -> None:
    broken.says[CHAT] = says
    with pytest.raises(ReaderError, match=told) as failed:
        ask(broken, api_key=KEY)
    assert KEY not in str(failed.value)
    assert "red boat" not in str(failed.value)
    assert broken.url in str(failed.value)


def test_odd_answers_that_can_be_read(broken: Broken) -> None:
    odd = [
        {},
        {"choices": []},
        {"choices": None},
        {"choices": [None]},
        {"choices": [{"delta": None}]},
    ]
    usage = {"usage": {"prompt_tokens": 50, "completion_tokens": 4}, "choices": []}
    broken.says[CHAT] = events(*odd, PIECE, STOP, usage, end=False)
    reply = ask(broken)
    assert (reply.text, reply.prompt_tokens, reply.answer_tokens) == ("Tom", 50, 4)
    assert reply.complete
    broken.says[CHAT] = response(
        b'{"choices": [{"message": {"content": "Tom"}, "finish_reason": "length"}]}'
    )
    reply = ask(broken)  # it does not stream
    assert (reply.text, reply.complete, reply.answer_tokens) == ("Tom", False, 3)
    assert reply.prompt_tokens >= reply.compressed.tokens_out


def test_silence_ends_at_the_limit(broken: Broken) -> None:
    broken.says[CHAT], broken.silent = b"", True
    with pytest.raises(ReaderError, match=r"said nothing for 0\.5 s"):
        ask(broken, seconds=0.5)
    assert broken.gone.wait(30)


def test_cancelled_while_it_is_silent_the_connection_is_closed(broken: Broken) -> None:
    broken.says[CHAT], broken.silent = b"", True
    cancel = threading.Event()
    reader = RemoteReader(broken.url, count=len)
    assistant = Assistant(load_compressor("truncate"), reader)
    threading.Timer(0.3, cancel.set).start()
    with pytest.raises(CancelledError):
        assistant.ask(TEXT, "Whose boat?", Budget(tokens=120), cancel=cancel)
    assert broken.gone.wait(30)


@pytest.mark.parametrize("leave", ["close", "cancel", "forget"])
def test_left_in_the_middle_the_connection_is_closed(leave: str, broken: Broken) -> None:
    broken.says[CHAT], broken.silent = events(PIECE, end=False), True
    assistant = Assistant(load_compressor("truncate"), RemoteReader(broken.url, count=len))
    stream = assistant.stream(TEXT, "Whose boat?", Budget(tokens=120))
    assert next(stream) == "Tom"
    if leave == "close":
        stream.close()
    elif leave == "cancel":
        stream.cancel()
        assert list(stream) == []
    if leave != "forget":
        assert (stream.reply.text, stream.reply.complete) == ("Tom", False)
    del stream
    assert broken.gone.wait(30)


@pytest.mark.parametrize(
    ("models", "told"),
    [
        (HTML, "what is no JSON"),
        (response(b"[]"), "lists no models"),
        (response(b'{"data": 3}'), "lists no models"),
        (response(b'{"data": [null, {"id": 3}]}'), "names no model; say which"),
        (response(b'{"data": [{"id": "a"}, {"id": "b"}]}'), "has 2 models; say which: a, b"),
        (response(b"{" + b" " * 99_999), "more than was asked for"),
        (response(b"", "404 Not Found"), "names no model"),
        (error("", "401 Unauthorized"), "it wants a key"),
    ],
)
def test_which_model_is_meant(
    models: bytes, told: str, broken: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "_MOST", 99_000)
    broken.says["/models"] = models
    with pytest.raises(EdgeLinguaError, match=told):
        RemoteReader(broken.url)


def test_a_model_may_be_named_where_none_is_listed(broken: Broken) -> None:
    broken.says |= {"/models": response(b"", "404 Not Found"), CHAT: events(PIECE, STOP)}
    assert ask(broken, model="mine").text == "Tom"
    assert b'"model":"mine"' in broken.asked[-1].replace(b'": "', b'":"')


def test_a_reader_is_loaded_by_its_address(broken: Broken) -> None:
    broken.says[CHAT] = events(THOUGHT, PIECE, STOP)
    assistant = Assistant.load(reader=broken.url + "/")
    assert assistant.ask(TEXT, "Whose boat?", Budget(tokens=60)).text == "Tom"
    with pytest.raises(InputError, match="keeps its cache itself"):
        Assistant.load(reader=broken.url, cap=100)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ReaderError, match="cannot be reached; is the server running"):
        RemoteReader(f"http://127.0.0.1:{port}/v1")


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("http://", {}),
        ("ftp://host/v1", {}),
        ("http://host:port/v1", {}),
        ("http://ho st/v1", {}),
        ("http://host/\x00", {}),
        ("http://xn--zz\u00ad.\u2024/v1", {}),
        ("http://me:secret@host/v1", {}),
        ("http://host/v1?key=secret", {}),
        ("http://host/v1", {"api_key": ""}),
        ("http://host/v1", {"api_key": "sec ret"}),
        ("http://host/v1", {"api_key": "secret\r\nX: y"}),
        ("http://host/v1", {"api_key": "sécret"}),
        ("http://host/v1", {"seconds": 0}),
    ],
)
def test_addresses_and_keys_that_cannot_be(url: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError) as failed:
        RemoteReader(url, **options)
    assert "secret" not in str(failed.value)


def test_what_an_endpoint_cannot_do_is_refused_before_it_is_asked(broken: Broken) -> None:
    reader = RemoteReader(broken.url, count=len)
    compressor = load_compressor("truncate")
    with pytest.raises(InputError, match="cap: this reader keeps its cache itself"):
        Assistant(compressor, reader, cap=512)
    for sampling in (Sampling(top_k=3), Sampling(min_p=0.3), Sampling(repeat_penalty=1.0)):
        with pytest.raises(InputError, match="OpenAI's interface has no such option"):
            Assistant(compressor, reader, sampling=sampling).ask(TEXT, "Why?")
    with pytest.raises(CapError, match="its context is 512: lower the budget"):
        Assistant(compressor, reader).ask(TEXT * 9, "Why?", Budget(tokens=400))
    with pytest.raises(CapError, match="a context of 512 tokens is too small"):
        Assistant(compressor, reader).ask(TEXT, "Why?", max_tokens=500)
    broken.says["/models"] = MODELS_PLAIN
    plain = RemoteReader(broken.url, count=len)
    with pytest.raises(InputError, match="does not say how long its context is"):
        Assistant(compressor, plain).ask(TEXT, "Why?")
    broken.says["/props"] = response(b'{"default_generation_settings": {"n_ctx": 300}}')
    assert RemoteReader(broken.url, count=len).window == 300
    assert not any(CHAT.encode() in asked.split(b"\r\n")[0] for asked in broken.asked)


def test_tokens_are_estimated_where_nobody_counts(broken: Broken) -> None:
    assert RemoteReader(broken.url).counted_in == "common readers, estimated"
    for same in (b"[]", b"[1, 2, 3]", b"7"):  # for whatever is asked: no count
        broken.says["/tokenize"] = response(b'{"tokens": %s}' % same)
        assert RemoteReader(broken.url).counted_in == "common readers, estimated"
    broken.answers["/tokenize"] = lambda body: response(
        json.dumps({"tokens": [*json.loads(body)["content"].encode()]}).encode()
    )
    reader = RemoteReader(broken.url)
    assert reader.counted_in.endswith("/tokenize")
    assert reader.count("any") == 3
    del broken.answers["/tokenize"]
    broken.says["/tokenize"] = response(b"{}")
    with pytest.raises(ReaderError, match="does not count tokens"):
        reader.count("any")
