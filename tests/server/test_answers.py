"""Answers held to a form, told with their likelihoods, several at once."""

from __future__ import annotations

import json
import math
from typing import Any

import openai
import pytest

from tests.server.conftest import NAME, Running

pytestmark = pytest.mark.llama

SHIP: list[Any] = [{"role": "user", "content": "Tell me about a ship, as JSON."}]
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 20},
        "masts": {"type": "integer"},
        "kind": {"enum": ["brig", "naïve", None]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}, "maxItems": 2},
    },
    "required": ["name", "masts", "kind", "parts"],
    "additionalProperties": False,
    "$defs": {"part": {"type": "string", "enum": ["keel", "mast"]}},
}


@pytest.fixture
def client(server: Running) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)


def test_an_answer_fits_its_schema(client: openai.OpenAI) -> None:
    for seed in range(3):
        reply = client.chat.completions.create(
            model=NAME,
            messages=SHIP,
            seed=seed,
            temperature=1.5,
            max_tokens=120,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "ship", "schema": SCHEMA, "strict": True},
            },
        )
        assert reply.choices[0].finish_reason == "stop"
        found = json.loads(reply.choices[0].message.content or "")
        assert list(found) == ["name", "masts", "kind", "parts"]
        assert isinstance(found["name"], str)
        assert isinstance(found["masts"], int)
        assert found["kind"] in ("brig", "naïve", None)
        assert set(found["parts"]) <= {"keel", "mast"}


def test_an_answer_is_an_object(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model=NAME,
        messages=SHIP,
        seed=3,
        max_tokens=200,
        response_format={"type": "json_object"},
    )
    text = reply.choices[0].message.content or ""
    assert text.startswith("{")
    if reply.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(text), dict)


def test_tokens_come_with_their_likelihoods(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {
        "model": NAME,
        "messages": [{"role": "user", "content": "Say: café 👍🏽 à la carte!"}],
        "temperature": 0,
        "max_tokens": 16,
        "logprobs": True,
        "top_logprobs": 3,
    }
    choice = client.chat.completions.create(**asked).choices[0]
    assert choice.logprobs is not None
    tokens = choice.logprobs.content or []
    raw = b"".join(bytes(token.bytes or []) for token in tokens)
    assert raw.decode(errors="replace") == choice.message.content
    for token in tokens:
        assert token.logprob <= 0
        assert len(token.top_logprobs) == 3
        told = [one.logprob for one in token.top_logprobs]
        assert told == sorted(told, reverse=True)
        assert sum(map(math.exp, told)) <= 1 + 1e-6
        assert token.logprob <= told[0]
    streamed: list[Any] = []
    for chunk in client.chat.completions.create(**asked, stream=True):
        if chunk.choices[0].logprobs:
            streamed += chunk.choices[0].logprobs.content or []
    assert [token.token for token in streamed] == [token.token for token in tokens]
    stop = (choice.message.content or "")[4:7]
    cut = client.chat.completions.create(**asked, stop=[stop]).choices[0]
    assert cut.logprobs is not None
    kept = b"".join(bytes(token.bytes or []) for token in cut.logprobs.content or [])
    assert kept.decode(errors="replace").startswith(cut.message.content or "")
    assert len(cut.logprobs.content or []) < len(tokens)


def test_a_completion_tells_likelihoods_in_its_own_form(client: openai.OpenAI) -> None:
    choice = client.completions.create(
        model=NAME, prompt="one two three four", temperature=0, max_tokens=6, logprobs=2
    ).choices[0]
    told = choice.logprobs
    assert told is not None
    assert "".join(told.tokens or []) == choice.text
    assert len(told.token_logprobs or []) == len(told.top_logprobs or []) == len(told.tokens or [])
    assert all(len(likeliest) <= 2 for likeliest in told.top_logprobs or [])
    for token, offset in zip(told.tokens or [], told.text_offset or [], strict=True):
        assert choice.text.startswith(token, offset)


def test_several_answers_are_as_if_asked_for_one_by_one(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": NAME, "messages": SHIP, "temperature": 1, "max_tokens": 8}
    both = client.chat.completions.create(**asked, n=2, seed=5)
    alone = [client.chat.completions.create(**asked, seed=seed) for seed in (5, 6)]
    assert [choice.index for choice in both.choices] == [0, 1]
    texts = [choice.message.content for choice in both.choices]
    assert texts == [one.choices[0].message.content for one in alone]
    assert both.usage is not None
    assert both.usage.completion_tokens == sum(
        one.usage.completion_tokens for one in alone if one.usage
    )
    streamed = ["", ""]
    ended = []
    for chunk in client.chat.completions.create(**asked, n=2, seed=5, stream=True):
        streamed[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
        if chunk.choices[0].finish_reason:
            ended.append(chunk.choices[0].index)
    assert streamed == texts
    assert ended == [0, 1]


def test_a_bias_decides(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": NAME, "messages": SHIP, "temperature": 0, "max_tokens": 3}
    plain = client.chat.completions.create(**asked).choices[0].message.content
    never = client.chat.completions.create(**asked, logit_bias={"2": -100, "504": -100})
    always = client.chat.completions.create(
        **asked | {"max_tokens": 2}, logit_bias={"28": 100}, logprobs=True
    )
    assert never.choices[0].message.content
    told = always.choices[0].logprobs
    assert told is not None
    assert len({token.token for token in told.content or []}) == 1
    assert always.choices[0].message.content != plain


def test_penalties_tell(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {
        "model": NAME,
        "prompt": "1, 2, 1, 2, 1, 2, 1, 2, 1, 2,",
        "temperature": 0,
        "max_tokens": 12,
    }
    plain = client.completions.create(**asked).choices[0].text
    asked |= {"frequency_penalty": 2.0, "presence_penalty": 2.0}
    assert client.completions.create(**asked).choices[0].text != plain
