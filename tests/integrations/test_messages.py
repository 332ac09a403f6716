"""Messages that are compressed in a program, for whichever client sends them."""

from __future__ import annotations

import asyncio
import copy
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from edgelingua.compressors import Compressor
from edgelingua.errors import BudgetError, InputError
from edgelingua.integrations.messages import MessageCompressor

from .conftest import ANSWER, QUESTION


def call(name: str) -> dict[str, Any]:
    function = {"name": "read", "arguments": "{}"}
    called = {"id": name, "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [called]}


def turns(parts: list[str]) -> list[list[dict[str, Any]]]:
    """The requests of an agent that asks, reads and answers, each with all before it."""
    said: list[dict[str, Any]] = [{"role": "system", "content": "Be brief. " * 100}]
    requests = []
    for number, part in enumerate(parts):
        said.append({"role": "user", "content": f"{QUESTION} ({number})"})
        said += [
            call(f"c{number}"),
            {"role": "tool", "tool_call_id": f"c{number}", "content": part},
        ]
        requests.append(copy.deepcopy(said))
        said.append({"role": "assistant", "content": part[:900]})
    return requests


def test_requests_begin_as_those_before_them_did(
    compressor: Compressor, parts: list[str], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    before: list[dict[str, Any]] = []
    for request in turns(parts):
        given = copy.deepcopy(request)
        # Another process that keeps the same state goes on where this one ended.
        messages = MessageCompressor(compressor, rate=0.3, keep_up_to=64, state=state)
        sent, squeezed = messages.squeeze(request)
        assert request == given, "what came is nobody's to change"
        assert sent[: len(before)] == before
        assert sent[0] == request[0]
        assert squeezed.after < squeezed.before
        for change in squeezed.changes:
            assert messages.original(change.id) == request[change.message]["content"]
        before = sent
    assert ANSWER in before[7]["content"]
    assert len(before[3]["content"]) < 0.6 * len(parts[0])


def test_replies_of_a_client_may_stand_among_them(compressor: Compressor, parts: list[str]) -> None:
    class Reply:
        """As those of OpenAI's client are, for all that is asked of it."""

        content = "It is so."

        def model_dump(self, *, mode: str, exclude_none: bool) -> dict[str, Any]:
            assert (mode, exclude_none) == ("json", True)
            return {"role": "assistant", "content": self.content}

    reply = Reply()
    asked = {"role": "user", "content": QUESTION}
    tool = {"role": "tool", "tool_call_id": "c", "content": parts[1]}
    messages = MessageCompressor(compressor, rate=0.3, keep_up_to=64)
    sent = messages.compress([asked, reply, asked, call("c"), tool])
    assert sent[1] is reply
    assert ANSWER in sent[-1]["content"]
    assert len(sent[-1]["content"]) < len(parts[1])


def test_threads_and_tasks_send_the_same(compressor: Compressor, parts: list[str]) -> None:
    request = turns(parts)[-1]
    messages = MessageCompressor(compressor, rate=0.3, keep_up_to=64)
    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(messages.compress, [request] * 4)
    assert others == [first] * 3
    assert asyncio.run(messages.acompress(request)) == first


class Broken:
    """A compressor whose model has gone."""

    def __init__(self, like: Compressor) -> None:
        self.count = like.count

    def compress(self, *_: object) -> Any:
        raise OSError("the model's file has gone")


def test_a_failure_passes_or_is_raised(
    compressor: Compressor, parts: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    request = turns(parts)[-1]
    open_ = MessageCompressor(Broken(compressor), keep_up_to=64)
    sent, squeezed = open_.squeeze(request)
    assert sent == request
    assert squeezed.failed == 6
    assert caplog.messages == ["not compressed: OSError: the model's file has gone"]
    closed = MessageCompressor(Broken(compressor), keep_up_to=64, on_failure="closed")
    with pytest.raises(OSError, match="has gone"):
        closed.compress(request)
    odd = [{"role": "user", "content": [{"type": "image", "data": b"no JSON"}]}]
    assert open_.compress(odd) == odd
    with pytest.raises(TypeError):
        closed.compress(odd)
    nothing: list[list[Any]] = [[], [{}], [{"role": "user", "content": None}], ["what?"], [None]]
    for messages in nothing:
        assert closed.compress(messages) == messages


def test_wrong_options_are_refused(compressor: Compressor) -> None:
    with pytest.raises(BudgetError):
        MessageCompressor(compressor, rate=0)
    with pytest.raises(InputError, match="on_failure"):
        MessageCompressor(compressor, on_failure="maybe")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="pin 1 of 1"):
        MessageCompressor(compressor, pin=[""])
    with pytest.raises(InputError, match="expected a text, got a compiled pattern"):
        MessageCompressor(compressor, pin=[re.compile("a")])  # type: ignore[list-item]
