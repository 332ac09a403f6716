"""What is sent once is sent again byte for byte, and what is new is cut by the last question."""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from edgelingua.errors import InferenceError, StateError
from edgelingua.integrations.proxy.app import create_app
from edgelingua.integrations.proxy.options import ProxyOptions
from edgelingua.integrations.proxy.state import State
from tests.conftest import DOCUMENT
from tests.proxy.client import CLIENT
from tests.proxy.conftest import (
    FAILURE,
    LOG,
    Scripted,
    agent,
    completion,
    lines,
    on_a_port,
)

if TYPE_CHECKING:
    from edgelingua.budget import Budget
    from edgelingua.compressors import Compressor
    from edgelingua.prompt import Prompt
    from edgelingua.scores import Progress

Proxy = Callable[..., str]
PATH = "/v1/chat/completions"


def long(seed: int, size: int = 12) -> str:
    """Return a text that is long enough to be cut, and is like no other."""
    return "\n".join(f"{seed}.{i}: the {i}th part of report {seed}, of no use" for i in range(size))


def test_tool_outputs_are_cut_by_the_last_question(upstream: Scripted, proxy: Proxy) -> None:
    body = agent()
    response = CLIENT.post(proxy(rate=0.3) + PATH, json=body)
    (sent,) = upstream.bodies
    assert sent["messages"][:3] == body["messages"][:3]
    kept = sent["messages"][3]
    assert kept | {"content": LOG} == body["messages"][3]
    assert len(kept["content"]) < len(LOG) * 0.6
    assert "db7:5432" in kept["content"]
    before, after, compressed = (
        int(part.split("=")[1]) for part in response.headers["x-edgelingua"].split(", ")
    )
    assert before > after
    assert compressed == 1


@pytest.mark.parametrize("how", ["field", "header"])
def test_a_request_says_what_it_wants(upstream: Scripted, proxy: Proxy, how: str) -> None:
    url = proxy(rate=1)
    pin = "12:07:07 INFO worker-0"
    wishes: dict[str, Any] = {"rate": 0.2, "pin": pin}
    if how == "field":
        CLIENT.post(url + PATH, json=agent() | {"edgelingua": wishes, "x": 1})
    else:
        headers = {f"x-edgelingua-{name}": str(value) for name, value in wishes.items()}
        CLIENT.post(url + PATH, json=agent() | {"x": 1}, headers=headers)
    (sent,) = upstream.bodies
    assert "edgelingua" not in sent
    assert sent["x"] == 1
    assert len(sent["messages"][3]["content"]) < len(LOG) * 0.5
    assert pin in sent["messages"][3]["content"]


def test_a_request_may_go_as_it_is(upstream: Scripted, proxy: Proxy) -> None:
    url = proxy()
    CLIENT.post(url + PATH, json=agent() | {"edgelingua": False})
    CLIENT.post(url + PATH, json=agent(), headers={"x-edgelingua": "off"})
    assert upstream.bodies == [agent(), agent()]


@pytest.mark.parametrize(
    "wish",
    [
        {"rate": 2},
        {"rate": 0},
        {"rate": "x"},
        {"other": 1},
        {"pin": 5},
        {"report": "yes"},
        7,
        "off",
    ],
)
@pytest.mark.parametrize("path", [PATH, "/v1/messages", "/api/chat"])
def test_wrong_wishes_are_refused(upstream: Scripted, shared: str, wish: object, path: str) -> None:
    response = CLIENT.post(shared + path, json=agent() | {"edgelingua": wish})
    assert response.status_code == 400
    assert not upstream.sent
    assert "edgelingua" in response.text


def common(first: str, second: str) -> int:
    return next(
        (at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
        min(len(first), len(second)),
    )


def as_read(body: dict[str, Any]) -> str:
    """What of a request a cache goes by: tools, then messages, without marks of breakpoints."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            if isinstance(said := value.get("content"), str):  # the same as one block
                value = value | {"content": [{"type": "text", "text": said}]}
            return {k: plain(v) for k, v in value.items() if k != "cache_control"}
        return [plain(each) for each in value] if isinstance(value, list) else value

    said = [body.get("tools"), body.get("system"), *body["messages"]]
    return "\n".join(json.dumps(plain(each), sort_keys=True) for each in said)


def step(number: int) -> list[dict[str, Any]]:
    """Return what an agent adds in a turn: its call, and an output that is long or short."""
    call = {"name": "read", "arguments": json.dumps({"file": number})}
    output = LOG.replace("worker", f"host{number}") if number % 3 else "nothing"
    return [
        {
            "role": "assistant",
            "content": f"I read file {number}.",
            "tool_calls": [{"id": f"c{number}", "type": "function", "function": call}],
        },
        {"role": "tool", "tool_call_id": f"c{number}", "content": output},
    ]


def test_cached_tokens_do_not_fall_in_thirty_turns(
    upstream: Scripted, proxy: Proxy, tmp_path: Path
) -> None:
    """Questions change on the way, and the proxy is started anew in the middle."""
    said = agent()["messages"][:2]
    url = proxy(folder=tmp_path / "state", rate=0.3)
    cached, read = [], ""
    for turn in range(30):
        if turn % 7 == 6:
            said.append({"role": "assistant", "content": f"So far I know {turn}. " + long(turn)})
            said.append({"role": "user", "content": f"And what of host{turn}? " + long(100 + turn)})
        said += step(turn)
        if turn == 15:
            url = proxy(folder=tmp_path / "state", rate=0.3)
        rate = 0.5 if turn == 20 else 0.3
        body = {"model": "m", "messages": said, "edgelingua": {"rate": rate}}
        assert CLIENT.post(url + PATH, json=body).status_code == 200
        now = as_read(upstream.bodies[-1])
        cached.append(common(read, now))
        assert not read or cached[-1] == len(read)  # all that was sent before
        read = now
    assert cached == sorted(cached)
    whole = as_read({"messages": said})
    assert len(read) < 0.7 * len(whole)


def blocks(*said: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"role": role, "content": content} for role, content in said]


def claude(turns: int) -> dict[str, Any]:
    """Return an agent's request as Claude's clients write it: the last block is a breakpoint."""
    said = blocks(("user", "Why did worker-3 fail?"))
    for turn in range(turns):
        use = {"type": "tool_use", "id": f"t{turn}", "name": "logs", "input": {"hour": turn}}
        found = LOG.replace("worker", f"host{turn}")
        content: Any = found if turn % 2 else [{"type": "text", "text": found}]
        output = {"type": "tool_result", "tool_use_id": f"t{turn}", "content": content}
        thought = {"type": "thinking", "thinking": "Hm. " * 400, "signature": "s"}
        said += blocks(("assistant", [thought, use]), ("user", [output]))
    last = said[-1]["content"]
    breakpoint_ = {"cache_control": {"type": "ephemeral"}}
    if isinstance(last, str):
        said[-1]["content"] = [{"type": "text", "text": last, **breakpoint_}]
    else:
        last[-1].update(breakpoint_)
    system = [{"type": "text", "text": "You look after servers. " * 200, **breakpoint_}]
    return {"model": "claude", "max_tokens": 9, "system": system, "messages": said}


def test_breakpoints_stay_and_nothing_before_them_changes(upstream: Scripted, proxy: Proxy) -> None:
    url = proxy(rate=0.3)
    read = ""
    for turns in range(6):
        body = claude(turns)
        CLIENT.post(url + "/v1/messages", json=body)
        sent = upstream.bodies[-1]
        assert sent["system"] == body["system"]
        assert sent["messages"][-1]["content"][-1]["cache_control"] == {"type": "ephemeral"}
        assert json.dumps(sent).count("cache_control") == 2
        now = as_read(sent)
        assert now.startswith(read)
        read = now
    assert len(read) < 0.9 * len(as_read(body))
    for message, original in zip(sent["messages"], body["messages"], strict=True):
        if message["role"] == "assistant":
            assert message == original


def test_ollamas_chats_are_cut_too(upstream: Scripted, proxy: Proxy) -> None:
    said = blocks(("user", long(1, 40)), ("assistant", long(2, 40)))
    said += blocks(("user", "Thanks."), ("assistant", "Yes?"), ("user", "What was part 7 about?"))
    said[0]["images"] = ["aGk="]
    body = {"model": "m", "messages": said, "options": {"num_ctx": 4096}, "keep_alive": "5m"}
    CLIENT.post(proxy() + "/api/chat", json=body)
    (sent,) = upstream.bodies
    assert sent | {"messages": said} == body
    assert sent["messages"][2:] == said[2:]
    assert sent["messages"][0]["images"] == ["aGk="]
    for at in (0, 1):
        assert len(sent["messages"][at]["content"]) < 0.7 * len(said[at]["content"])


def test_the_talk_of_the_moment_stays(upstream: Scripted, proxy: Proxy) -> None:
    said = blocks(("user", long(1, 40)), ("assistant", long(2, 40)), ("user", long(3, 40)))
    CLIENT.post(proxy() + PATH, json={"model": "m", "messages": said})
    assert upstream.bodies[0]["messages"] == said


def test_images_and_what_is_not_known_stay(upstream: Scripted, proxy: Proxy) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=" * 500}}
    parts = [image, {"type": "text", "text": LOG}, {"type": "new", "text": LOG}, 5, None]
    said = blocks(("tool", parts), ("strange", LOG), ("user", "Why did worker-3 fail?"))
    CLIENT.post(proxy() + PATH, json={"model": "m", "messages": said})
    sent = upstream.bodies[0]["messages"]
    assert sent[1:] == said[1:]
    assert len(sent[0]["content"][1]["text"]) < len(LOG)
    sent[0]["content"][1]["text"] = LOG
    assert sent == said


def test_documents_are_cut_where_they_are_named_so(upstream: Scripted, proxy: Proxy) -> None:
    text = {"type": "text", "media_type": "text/plain", "data": LOG}
    document = {"type": "document", "source": text, "title": "log"}
    quoted = document | {"citations": {"enabled": True}}
    question = {"type": "text", "text": "Why did worker-3 fail?"}
    body = {"messages": blocks(("user", copy.deepcopy([document, quoted, question])))}
    CLIENT.post(proxy(rate=0.3) + "/v1/messages", json=body)
    sent = upstream.bodies[0]["messages"][0]["content"]
    assert FAILURE.split(" could")[0] in sent[0]["source"]["data"]
    assert len(sent[0]["source"]["data"]) < 0.6 * len(LOG)
    assert sent[1:] == [quoted, question]  # citations count characters


def test_what_a_question_is_about_may_be_blocks_before_it(upstream: Scripted, shared: str) -> None:
    said = [{"type": "text", "text": text} for text in (LOG, "Why did worker-3 fail?")]
    body = {"messages": blocks(("user", said)), "edgelingua": {"documents": True, "rate": 0.3}}
    CLIENT.post(shared + PATH, json=body)
    first, last = upstream.bodies[0]["messages"][0]["content"]
    assert "db7:5432" in first["text"]
    assert len(first["text"]) < 0.6 * len(LOG)
    assert last == said[1]


def test_a_long_question_is_cut_on_demand(upstream: Scripted, proxy: Proxy) -> None:
    text = "Look at this log.\n\n" + LOG + "\n\nWhy did worker-3 fail?"
    body = {"messages": blocks(("user", text))}
    url = proxy(rate=0.3)
    CLIENT.post(url + PATH, json=body)
    CLIENT.post(url + PATH, json=blocks_of(text, "Other. ") | {"edgelingua": {"documents": True}})
    whole, cut = (sent["messages"][0]["content"] for sent in upstream.bodies)
    assert whole == text
    assert len(cut) < 0.7 * len(text)
    assert cut.startswith("Other. Look at this log.")
    assert cut.endswith("Why did worker-3 fail?")


def blocks_of(text: str, before: str = "") -> dict[str, Any]:
    return {"messages": blocks(("user", before + text))}


@pytest.mark.parametrize("path", ["/v1/completions", "/api/generate"])
def test_prompts_grow_behind_what_was_sent(upstream: Scripted, proxy: Proxy, path: str) -> None:
    url = proxy(rate=0.3)
    text = DOCUMENT.read_text()[:5000] + "\n\nQ: Which city had a devastating fire?\nA:"
    read = ""
    for more in ("", " Boston.\nQ: And when was that?\nA:", " I do not know.\nQ: Why not?\nA:"):
        text += more
        CLIENT.post(url + path, json={"prompt": text})
        sent = upstream.bodies[-1]["prompt"]
        assert sent.startswith(read)
        assert sent.endswith(text[-40:])
        read = sent
    assert len(read) < 0.6 * len(text)


@pytest.mark.parametrize(
    "more",
    [
        {"suffix": "}"},
        {"raw": True},
        {"context": [1, 2]},
        {"prompt": "<|im_start|>user\n" + LOG + "<|im_end|>"},
        {"prompt": [LOG, LOG]},
        {"prompt": [1, 2, 3]},
    ],
)
def test_prompts_that_are_no_plain_text_stay(
    upstream: Scripted, shared: str, more: dict[str, Any]
) -> None:
    body = {"prompt": LOG} | more
    CLIENT.post(shared + "/api/generate", json=body)
    assert upstream.bodies == [body]


class Failing:
    """A compressor whose model is broken."""

    def __init__(self, count: Callable[[str], int]) -> None:
        self.count = count

    def compress(self, prompt: Prompt, *_: object) -> Any:
        raise InferenceError("the graph does not run")


def test_the_operator_says_what_a_failure_is(
    upstream: Scripted, proxy: Proxy, compressor: Compressor
) -> None:
    failing = Failing(compressor.count)
    passed = CLIENT.post(proxy(using=failing) + PATH, json=agent())
    assert passed.status_code == 200
    assert "failed=1" in passed.headers["x-edgelingua"]
    assert upstream.bodies == [agent()]
    closed = proxy(using=failing, on_failure="closed")
    refused = CLIENT.post(closed + PATH, json=agent())
    assert refused.status_code == 502
    assert refused.json()["error"]["code"] == "compression_failed"
    short = CLIENT.post(closed + PATH, json={"messages": blocks(("user", "Why?"))})
    assert short.status_code == 200
    assert len(upstream.sent) == 2


def test_a_state_that_cannot_be_written_is_a_failure_too(
    upstream: Scripted, compressor: Compressor
) -> None:
    opened = ProxyOptions(upstream=upstream.url)
    for options, status in ((opened, 200), (replace(opened, on_failure="closed"), 502)):
        with on_a_port(create_app(compressor, state := State(), options)) as url:
            state.close()
            body = agent() | {"edgelingua": {"rate": 0.3}}
            for path in (PATH, "/v1/messages"):
                assert CLIENT.post(url + path, json=body).status_code == status
            prompt = CLIENT.post(url + "/v1/completions", json={"prompt": LOG})
            assert prompt.status_code == status
    assert upstream.bodies == [agent(), agent(), {"prompt": LOG}]


def test_time_for_a_compression_is_limited(
    upstream: Scripted, proxy: Proxy, capfd: pytest.CaptureFixture[str]
) -> None:
    body = {"messages": blocks(("tool", LOG), ("tool", "More\n" + LOG), ("user", "Why?"))}
    response = CLIENT.post(proxy(compress_seconds=1e-9) + PATH, json=body)
    assert response.status_code == 200
    assert "failed=2" in response.headers["x-edgelingua"]
    assert upstream.bodies == [body]
    assert capfd.readouterr().err.count('"compression failed"') == 1


class Slow:
    """A compressor that waits before each text until it is told to go on."""

    def __init__(self, compressor: Compressor) -> None:
        self.count = compressor.count
        self._inner = compressor
        self.begun = 0
        self.go = threading.Semaphore(0)

    def compress(self, prompt: Prompt, budget: Budget, progress: Progress | None = None) -> Any:
        self.begun += 1
        self.go.acquire(timeout=20)
        return self._inner.compress(prompt, budget, progress)


def test_those_who_say_the_same_at_once_are_sent_the_same(
    upstream: Scripted, proxy: Proxy, compressor: Compressor
) -> None:
    slow = Slow(compressor)
    url = proxy(using=slow, rate=0.3)
    with ThreadPoolExecutor(3) as pool:
        for question in ("Why did worker-3 fail?", "What did worker-6 do?", "When?"):
            body = {"messages": blocks(("tool", LOG), ("user", question))}
            pool.submit(CLIENT.post, url + PATH, json=body)
        slow.go.release(3)
    assert len({sent["messages"][0]["content"] for sent in upstream.bodies}) == 1
    assert slow.begun == 1


def test_what_was_done_for_a_client_that_left_is_not_done_again(
    upstream: Scripted, proxy: Proxy, compressor: Compressor
) -> None:
    slow = Slow(compressor)
    url = proxy(using=slow)
    body = {"messages": blocks(("tool", LOG), ("tool", long(1, 40)), ("user", "Why?"))}
    slow.go.release(1)
    with pytest.raises(httpx.ReadTimeout):
        CLIENT.post(url + PATH, json=body, timeout=2)
    assert slow.begun == 2
    slow.go.release(9)  # it is seen that nobody waits for the second text
    response = CLIENT.post(url + PATH, json=body)
    assert "compressed=2" in response.headers["x-edgelingua"]
    assert slow.begun == 3  # not the first one again


def test_more_than_may_wait_pass_as_they_are(
    upstream: Scripted, proxy: Proxy, compressor: Compressor
) -> None:
    slow = Slow(compressor)
    urls = [proxy(using=slow, waiting=0, on_failure=how) for how in ("open", "closed")]
    with ThreadPoolExecutor(2) as pool:
        for url in urls:
            pool.submit(CLIENT.post, url + PATH, json=agent())
        while slow.begun < 2:
            time.sleep(0.01)
        other = agent(output=LOG.replace("worker", "host"))
        passed, refused = (CLIENT.post(url + PATH, json=other) for url in urls)
        slow.go.release(9)
    assert "failed=1" in passed.headers["x-edgelingua"]
    assert upstream.bodies[0] == other
    assert refused.status_code == 429


def test_what_was_left_out_can_be_asked_back(upstream: Scripted, proxy: Proxy) -> None:
    async def reply(http: Any, body: bytes) -> Any:
        from starlette.responses import JSONResponse

        return JSONResponse(completion("It was db7."))

    upstream.reply = reply
    url = proxy(rate=0.3)
    response = CLIENT.post(url + PATH, json=agent() | {"edgelingua": {"report": True}})
    report = response.json()["edgelingua"]
    (change,) = report["compressed"]
    assert change["message"] == 3
    assert report["tokens_before"] - report["tokens_after"] == change["before"] - change["after"]
    assert response.headers["x-edgelingua-ids"] == change["id"]
    found = CLIENT.post(url + "/v1/recover", json={"id": change["id"], "answer": "worker-3 could"})
    assert found.json()["text"] == LOG
    assert found.json()["sent"] == upstream.bodies[0]["messages"][3]["content"]
    for wrong, status in (({"id": "x"}, 404), ({}, 400), ({"id": 5}, 400), ([], 400)):
        assert CLIENT.post(url + "/v1/recover", json=wrong).status_code == status


def test_half_a_character_passes(upstream: Scripted, shared: str) -> None:
    """JSON may have it, and agents that cut texts do."""
    text = LOG + "\n\nWhy?"
    for prompt in (text, text + "\ud83d", text + "\ud83d" + LOG):
        raw = json.dumps({"prompt": prompt})
        assert CLIENT.post(shared + "/v1/completions", content=raw).status_code == 200
    asked = {"messages": blocks(("tool", LOG + "\ud83d"), ("user", "Why?")), "model": "m\ud83d"}
    raw = json.dumps(asked)
    for path in ("/v1/compress", PATH):
        headers = {"Content-Type": "application/json"}
        assert CLIENT.post(shared + path, content=raw, headers=headers).status_code == 200


def test_compression_without_passing_on(upstream: Scripted, proxy: Proxy) -> None:
    url = proxy()
    question = "Why did worker-3 fail?"
    text = CLIENT.post(
        url + "/v1/compress", json={"text": LOG, "question": question, "rate": 0.3}
    ).json()
    assert text["tokens_after"] < 0.4 * text["tokens_before"]
    assert "db7:5432" in text["text"]
    assert CLIENT.post(url + "/v1/recover", json={"id": text["id"]}).json()["text"] == LOG
    messages = CLIENT.post(url + "/v1/compress", json=agent() | {"rate": 0.3}).json()
    assert not upstream.sent
    CLIENT.post(url + PATH, json=agent() | {"edgelingua": {"rate": 0.9}})
    assert upstream.bodies[0]["messages"] == messages["messages"]  # as it was once


@pytest.mark.parametrize("own", [3, "x", [1], [["rate", 0.5]]])
def test_wrong_wishes_are_refused_where_nothing_is_passed_on(
    upstream: Scripted, shared: str, own: object
) -> None:
    for more in ({}, {"rate": 0.5}):
        body = agent() | {"edgelingua": own} | more
        response = CLIENT.post(shared + "/v1/compress", json=body)
        assert response.status_code == 400
        assert response.json()["error"]["param"] == "edgelingua"


def test_a_model_may_ask_back(upstream: Scripted, proxy: Proxy) -> None:
    url = proxy(rate=0.3, recover_tool=True)
    tools = [{"type": "function", "function": {"name": "logs", "parameters": {}}}]
    body = agent() | {"tools": tools}
    first = CLIENT.post(url + PATH, json=body)
    (name,) = [first.headers["x-edgelingua-ids"]]
    sent = upstream.bodies[0]
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["logs", "edgelingua_recover"]
    assert name in sent["messages"][3]["content"]
    function = {"name": "edgelingua_recover", "arguments": json.dumps({"id": name})}
    call = {"id": "c2", "type": "function", "function": function}
    body["messages"] += [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c2", "content": "Error: no such tool"},
    ]
    CLIENT.post(url + PATH, json=body)
    assert upstream.bodies[1]["messages"][-1]["content"] == LOG
    assert upstream.bodies[1]["messages"][:4] == sent["messages"]
    assert "tools" not in CLIENT.post(url + PATH, json=agent()).json()


def test_the_state_is_its_owners_and_holds_no_key(
    upstream: Scripted, proxy: Proxy, tmp_path: Path
) -> None:
    folder = tmp_path / "state"
    headers = {"Authorization": "Bearer sk-secret", "x-api-key": "sk-other"}
    CLIENT.post(proxy(folder=folder) + PATH, json=agent(), headers=headers)
    assert folder.stat().st_mode & 0o777 == 0o700
    kept = b"".join(file.read_bytes() for file in folder.iterdir())
    assert b"worker-3" in kept
    assert b"sk-secret" not in kept
    assert b"sk-other" not in kept
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir())


def test_a_cookie_that_changes_changes_nothing(upstream: Scripted, proxy: Proxy) -> None:
    """Load balancers change theirs with every answer."""
    url = proxy(rate=0.3)
    for number, question in enumerate(("Why did worker-3 fail?", "What did worker-6 handle?")):
        body = {"messages": blocks(("tool", LOG), ("user", question))}
        headers = {"x-api-key": "a", "Cookie": f"balancer={number}"}
        CLIENT.post(url + PATH, json=body, headers=headers)
    first, second = (body["messages"][0] for body in upstream.bodies)
    assert first == second
    assert first["content"] != LOG


def test_others_see_nothing_of_a_conversation(upstream: Scripted, proxy: Proxy) -> None:
    """What one client's question left of a text says something of that question."""
    url = proxy(rate=0.3)
    texts = []
    for key, question in (("a", "Why did worker-3 fail?"), ("b", "What did worker-6 handle?")):
        body = {"messages": blocks(("tool", LOG), ("user", question))}
        CLIENT.post(url + PATH, json=body, headers={"Authorization": f"Bearer {key}"})
        texts.append(upstream.bodies[-1]["messages"][0]["content"])
    assert texts[0] != texts[1]


def test_a_folder_that_others_can_read_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(StateError, match="chmod 700"):
        State(tmp_path)


def test_a_file_that_is_no_state_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(0o700)
    (folder / "edgelingua.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StateError, match="no state"):
        State(folder)


def test_the_state_keeps_its_size(tmp_path: Path) -> None:
    from edgelingua.integrations.proxy.cut import Cut, Sent

    state = State(tmp_path / "state", most_mb=1)
    text = "\n".join(lines(1, 60)) * 20
    for number in range(60):
        cut = Cut(str(number), text, text[:100], ((0, 100),))
        state.keep({number.to_bytes(22): Sent(9, 1, cut)})
    assert state.cut("59")
    assert not state.cut("0") or not state.cut("1")
    assert sum(f.stat().st_size for f in (tmp_path / "state").glob("*.sqlite")) < 3e6
