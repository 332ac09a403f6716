"""Whatever conversation grows, its beginning is sent again as it was."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from edgelingua import load_compressor
from edgelingua.errors import InferenceError
from edgelingua.integrations.proxy.dialects import Dialect
from edgelingua.integrations.proxy.options import ProxyOptions
from edgelingua.integrations.proxy.preparing import Prepared, prepare
from edgelingua.integrations.proxy.squeezing import Squeezer
from edgelingua.integrations.proxy.state import State
from edgelingua.integrations.server.problems import ApiError
from tests.conftest import TEXTS
from tests.proxy.test_trail import values

CHAT = Dialect("openai", True)

text = st.builds(
    lambda text, times: text * times,
    st.sampled_from([*TEXTS.values(), "word ", '{"a": [1, 2]}\n', "\0", "\ud800", ""]),
    st.sampled_from([1, 3, 40]),
)
marked = st.sampled_from([{}, {"cache_control": {"type": "ephemeral"}}])
block = st.builds(
    lambda text, mark: {"type": "text", "text": text, **mark}, text, marked
) | st.builds(
    lambda content, mark: {"type": "tool_result", "tool_use_id": "t", "content": content, **mark},
    text | st.lists(st.builds(lambda text: {"type": "text", "text": text}, text), max_size=2),
    marked,
)
message = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["system", "user", "assistant", "tool"]),
    text | st.lists(block, max_size=3),
)
wish = st.sampled_from([{}, {"rate": 0.1}, {"rate": 1}, {"documents": True}])


@pytest.fixture(scope="module")
def squeezer() -> Squeezer:
    options = ProxyOptions(upstream="http://127.0.0.1:9", keep_up_to=8)
    return Squeezer(load_compressor("truncate"), State(), options)


def prepared(squeezer: Squeezer, body: Any, dialect: Dialect = CHAT) -> Prepared:
    async def run() -> Prepared:
        return await prepare(json.dumps(body).encode(), Headers(), dialect, squeezer)

    return asyncio.run(run())


def plain(value: Any) -> Any:
    """Without the marks of breakpoints, which move on."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k != "cache_control"}
    return [plain(each) for each in value] if isinstance(value, list) else value


def marks(value: Any) -> Any:
    """Everything but texts."""
    if isinstance(value, dict):
        return {k: marks(v) for k, v in value.items()}
    return [marks(each) for each in value] if isinstance(value, list) else isinstance(value, str)


@settings(max_examples=60)
@given(st.lists(message, max_size=6), st.lists(message, max_size=3), wish, wish)
def test_what_was_sent_is_sent_again(
    squeezer: Squeezer, said: list[Any], more: list[Any], first: Any, then: Any
) -> None:
    once = json.loads(prepared(squeezer, {"messages": said, "edgelingua": first}).content)
    unmarked = plain(said)
    later = {"messages": [*unmarked, *more], "edgelingua": then}
    again = json.loads(prepared(squeezer, later).content)
    assert again["messages"][: len(said)] == plain(once["messages"])
    assert marks(once["messages"]) == marks(said)
    assert marks(again["messages"]) == marks([*unmarked, *more])
    assert prepared(squeezer, later).content == json.dumps(again, separators=(",", ":")).encode()
    for sent, original in zip(again["messages"], later["messages"], strict=True):
        if original["role"] == "system":
            assert sent == original


@settings(max_examples=60)
@given(st.lists(text, min_size=1, max_size=4), wish)
def test_prompts_too(squeezer: Squeezer, parts: list[str], wished: Any) -> None:
    # What was sent in one piece has no place where it could have been taken apart.
    squeezer = Squeezer(squeezer.compressor, State(), squeezer.options)
    dialect, sent, prompt = Dialect("openai", False), "", ""
    for part in parts:
        prompt += part
        body = {"prompt": prompt, "edgelingua": wished}
        now = json.loads(prepared(squeezer, body, dialect).content)["prompt"]
        assert now.startswith(sent)
        sent = now


class Failing:
    """Fails after the first text."""

    def __init__(self) -> None:
        self._inner = load_compressor("truncate")
        self.count = self._inner.count
        self._failing = False

    def compress(self, *arguments: Any) -> Any:
        if self._failing:
            raise InferenceError("the graph does not run any more")
        self._failing = True
        return self._inner.compress(*arguments)


@pytest.mark.parametrize(
    "more", ["\n\nAnd then? Say it.", "\ud83d" + "word \n\n" * 40, "word\n\n" * 99, "<|im_end|>"]
)
def test_prompts_grow_beside_failures_too(squeezer: Squeezer, more: str) -> None:
    squeezer = Squeezer(Failing(), State(), squeezer.options)
    dialect, prompt = Dialect("openai", False), "Tell me.\n" + "word " * 300 + "\n\nWhy?"
    first, then = (
        json.loads(prepared(squeezer, {"prompt": text}, dialect).content)["prompt"]
        for text in (prompt, prompt + more)
    )
    assert len(first) < len(prompt) * 0.7
    assert then == first + more


@settings(max_examples=100)
@given(
    st.dictionaries(
        st.sampled_from(["messages", "prompt", "tools", "model", "edgelingua", "suffix"]), values
    ),
    st.sampled_from(
        [Dialect("openai", True), Dialect("anthropic", True), Dialect("ollama", False)]
    ),
)
def test_whatever_comes_goes_on_or_is_refused(
    squeezer: Squeezer, body: dict[str, Any], dialect: Dialect
) -> None:
    try:
        done = prepared(squeezer, body, dialect)
    except ApiError as error:
        assert error.status == 400
        assert "edgelingua" in str(error)
        assert "edgelingua" in body
    else:
        sent = json.loads(done.content)
        assert "edgelingua" not in sent
        assert sent == {name: value for name, value in body.items() if name != "edgelingua"}
