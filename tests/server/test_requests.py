"""What requests say becomes what is done."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("llama_cpp")

from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.requests import SEEDS, Request, chat_request
from edgelingua.llama.model import Sampling

ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
TOOLS = [{"type": "function", "function": {"name": "clock"}}]


def read(**more: Any) -> Request:
    return chat_request(ASKED | more, Sampling(temperature=0.7), 100)


def test_what_is_not_said_is_as_the_server_has_it() -> None:
    for request in (read(), read(temperature=None, top_p=None, max_tokens=None, n=None, stop=None)):
        assert (request.limit, request.sampling.temperature) == (100, 0.7)
        assert (request.choices, request.stops, request.logprobs) == (1, (), None)


def test_the_smallest_limit_holds() -> None:
    assert read(max_completion_tokens=7).limit == 7
    assert read(max_completion_tokens=7, max_tokens=9).limit == 7
    assert read(max_tokens=10**30).limit == 100


def test_roles_and_parts_of_newer_clients_are_read() -> None:
    parts = [{"type": "text", "text": "He"}, {"type": "input_text", "text": "llo"}]
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": parts}]
    prompt = read(messages=messages).prompt
    assert not isinstance(prompt, str)
    assert [(m.role, m.content) for m in prompt] == [("system", "Be brief."), ("user", "Hello")]


@pytest.mark.parametrize("seed", [0, -1, 2**63, 10**4000])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    assert 0 <= read(seed=seed).sampling.seed < SEEDS
    assert read(seed=seed).sampling.seed == read(seed=seed).sampling.seed


def test_tools_may_be_called_one_at_a_time_or_not_at_all() -> None:
    tools = read(tools=TOOLS).tools
    assert tools
    assert tools.several
    one = read(tools=TOOLS, parallel_tool_calls=False).tools
    assert one
    assert not one.several
    assert read(tools=TOOLS, tool_choice="none").tools is None


def test_fields_that_change_nothing_are_passed_over_and_others_are_named() -> None:
    prediction = {"type": "content", "content": "Hello"}
    assert read(prediction=prediction, metadata={"a": "b"}, user="u", service_tier="auto").chat
    for name, value in {"reasoning_effort": "low", "audio": {"voice": "x"}, "topp": 1}.items():
        with pytest.raises(ApiError, match=name):
            read(**{name: value})
