"""The client that most programs have, against a server that runs."""

from __future__ import annotations

import openai
import pytest

from tests.conftest import DOCUMENT
from tests.server.conftest import NAME, Running

pytestmark = pytest.mark.llama

QUESTION = "Which city had a devastating fire?"


@pytest.fixture
def client(server: Running) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)


def test_it_says_which_model_it_has(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [NAME]
    assert client.models.retrieve(NAME).id == NAME
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-5")
    assert caught.value.code == "model_not_found"


def test_a_document_nine_times_the_cap_is_answered(client: openai.OpenAI) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    raw = client.chat.completions.with_raw_response.create(
        model=NAME,
        messages=[
            {"role": "system", "content": "Answer briefly from the text."},
            {"role": "user", "content": f"{text}\n\n{QUESTION}"},
        ],
        temperature=0,
        max_tokens=30,
    )
    reply = raw.parse()
    assert "Boston" in (reply.choices[0].message.content or "")
    assert reply.choices[0].finish_reason == "stop"
    said = reply.model_extra["edgelingua"] if reply.model_extra else {}
    assert reply.usage is not None
    assert reply.usage.prompt_tokens == said["tokens_read"] <= 512
    assert said["tokens_before"] > 4000
    assert [change["message"] for change in said["compressed"]] == [1]
    header = f"before={said['tokens_before']}, read={said['tokens_read']}, compressed=1"
    assert raw.headers["x-edgelingua"] == header


def test_a_stream_says_the_same_as_a_whole_answer(client: openai.OpenAI) -> None:
    asked = {
        "model": NAME,
        "messages": [{"role": "user", "content": "Name three colours."}],
        "seed": 7,
        "temperature": 0.8,
        "max_tokens": 12,
    }
    whole = client.chat.completions.create(**asked)  # type: ignore[call-overload]
    chunks = list(
        client.chat.completions.create(  # type: ignore[call-overload]
            **asked, stream=True, stream_options={"include_usage": True}
        )
    )
    first, *middle, last, usage = chunks
    assert (first.choices[0].delta.role, first.choices[0].delta.content) == ("assistant", "")
    text = "".join(chunk.choices[0].delta.content for chunk in middle)
    assert text == whole.choices[0].message.content
    assert all(chunk.choices[0].finish_reason is None for chunk in (first, *middle))
    assert last.choices[0].finish_reason == whole.choices[0].finish_reason
    assert all(chunk.usage is None for chunk in (first, *middle, last))
    assert not usage.choices
    assert usage.usage.completion_tokens == whole.usage.completion_tokens
    assert usage.usage.prompt_tokens == whole.usage.prompt_tokens
    assert len({chunk.id for chunk in chunks}) == 1


def test_without_usage_a_stream_ends_with_the_reason(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model=NAME,
            messages=[{"role": "user", "content": "Hello!"}],
            max_tokens=3,
            temperature=0,
            stream=True,
        )
    )
    assert chunks[-1].choices[0].finish_reason == "length"


def test_what_ends_an_answer_is_not_part_of_it(client: openai.OpenAI) -> None:
    asked = client.completions.create(
        model=NAME, prompt="one two three four", temperature=0, max_tokens=24
    )
    text = asked.choices[0].text
    stop = text[4:8]
    stopped = client.completions.create(
        model=NAME, prompt="one two three four", temperature=0, max_tokens=24, stop=[stop]
    )
    assert stopped.choices[0].text == text[: text.index(stop)]
    assert stopped.choices[0].finish_reason == "stop"


def test_a_conversation_goes_on_in_its_cache(client: openai.OpenAI) -> None:
    messages: list[dict[str, str]] = [{"role": "system", "content": "You know about ships. " * 8}]
    cached, read = [], []
    for question in ("What is a keel?", "And a mast?", "And a rudder?"):
        messages.append({"role": "user", "content": question})
        reply = client.chat.completions.create(
            model=NAME,
            messages=messages,  # type: ignore[arg-type]
            temperature=0,
            max_tokens=16,
        )
        assert reply.usage is not None
        assert reply.usage.prompt_tokens_details is not None
        cached.append(reply.usage.prompt_tokens_details.cached_tokens or 0)
        read.append(reply.usage.prompt_tokens)
        messages.append({"role": "assistant", "content": reply.choices[0].message.content or ""})
    # All that the request before had is there already.
    assert cached[1] >= read[0] - 1
    assert cached[2] >= read[1] - 1


def test_a_pin_has_to_occur(client: openai.OpenAI) -> None:
    def ask(pin: str) -> None:
        client.chat.completions.create(
            model=NAME,
            messages=[{"role": "user", "content": "The code is XK-4471-QQ."}],
            max_tokens=1,
            extra_body={"edgelingua": {"pin": [pin]}},
        )

    ask("XK-4471-QQ")
    with pytest.raises(openai.BadRequestError, match="does not occur"):
        ask("XK-4472")


def test_what_cannot_be_done_is_refused(client: openai.OpenAI) -> None:
    hello: list[dict[str, str]] = [{"role": "user", "content": "Hello"}]
    for field, value in {
        "functions": [{"name": "f", "parameters": {}}],
        "web_search_options": {"search_context_size": "low"},
        "modalities": ["text", "audio"],
        "reasoning_effort": "high",
    }.items():
        with pytest.raises(openai.BadRequestError) as caught:
            client.chat.completions.create(
                model=NAME,
                messages=hello,  # type: ignore[arg-type]
                extra_body={field: value},
            )
        assert (caught.value.code, caught.value.param) == ("unsupported_parameter", field)
    with pytest.raises(openai.BadRequestError, match="embeddings"):
        client.embeddings.create(model=NAME, input="Hello")


def test_only_a_system_prompt_beyond_the_cap_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model=NAME,
            messages=[
                {"role": "system", "content": "Be brief. " * 500},
                {"role": "user", "content": "Hello"},
            ],
        )
    assert caught.value.code == "context_length_exceeded"
    assert "512" in str(caught.value)
