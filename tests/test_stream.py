"""Replies piece by piece, ended early by whoever reads them or from another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from edgelingua.assistant import Assistant
from edgelingua.budget import Budget
from edgelingua.chat import Chat
from edgelingua.compressors import load_compressor
from edgelingua.errors import CancelledError, InputError
from edgelingua.llama.model import LlamaModel, Sampling
from tests.test_chat import SYSTEM, assert_intact, seen

GREEDY = Sampling(temperature=0)
TEXT = "Tom has a red boat. " * 12
QUESTION = "Tell a long story: what does Tom have?"


@pytest.fixture(scope="module")
def assistant(reader: LlamaModel) -> Assistant:
    compressor = load_compressor(count=reader.count)
    return Assistant(compressor, reader, cap=256, sampling=GREEDY)


def chat_of(reader: LlamaModel) -> Chat:
    return Chat(reader, reader.session(256), SYSTEM, GREEDY)


def test_the_pieces_are_the_answer(assistant: Assistant) -> None:
    stream = assistant.stream(TEXT, QUESTION, Budget(tokens=60), max_tokens=12)
    with pytest.raises(InputError, match="no reply yet"):
        _ = stream.reply
    pieces = list(stream)
    asked = assistant.ask(TEXT, QUESTION, Budget(tokens=60), max_tokens=12)
    assert len(pieces) > 1
    assert "".join(pieces).strip() == stream.reply.text == asked.text
    assert stream.reply.compressed.text == asked.compressed.text
    assert stream.reply.answer_tokens == asked.answer_tokens == 12
    assert not asked.complete
    assert list(stream) == []


def test_what_cannot_work_is_refused_before_anybody_iterates(assistant: Assistant) -> None:
    with pytest.raises(InputError, match="the question is empty"):
        assistant.stream(TEXT, " ")
    with pytest.raises(InputError, match="empty or blank"):
        assistant.stream(" ", QUESTION)


def test_an_answer_ended_by_another_thread_is_what_was_written(assistant: Assistant) -> None:
    whole = assistant.ask(TEXT, QUESTION, Budget(tokens=60), max_tokens=12)
    stream = assistant.stream(TEXT, QUESTION, Budget(tokens=60), max_tokens=12)
    next(stream)
    other = threading.Thread(target=stream.cancel)
    other.start()
    other.join()
    assert list(stream) == []
    assert stream.reply.answer_tokens == 1
    assert not stream.reply.complete
    assert whole.text.startswith(stream.reply.text)
    assert assistant.ask(TEXT, QUESTION, Budget(tokens=60), max_tokens=12).text == whole.text


@pytest.mark.parametrize("step", [1, 2])
def test_cancelled_before_a_word_there_is_no_answer(assistant: Assistant, step: int) -> None:
    cancel, calls = threading.Event(), 0

    def progress(*_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == step:
            cancel.set()

    texts = [TEXT, TEXT + "So it is."]  # two to score, so two steps at least
    with pytest.raises(CancelledError):
        assistant.ask(texts, QUESTION, Budget(tokens=60), progress=progress, cancel=cancel)
    assert calls <= step + 1


def test_a_chat_in_pieces_says_the_same(reader: LlamaModel) -> None:
    one, other = chat_of(reader), chat_of(reader)
    for question in ("Who are you?", "Count to nine."):
        stream = one.stream(question, limit=8)
        said = other.say(question, limit=8)
        assert "".join(stream).strip() == stream.reply.text == said.text
        assert stream.reply == said
    assert one.messages == other.messages
    assert seen(one) == seen(other)


def _leave(chat: Chat) -> None:
    for _ in chat.stream("Count to nine.", limit=30):
        break


def _close(chat: Chat) -> None:
    stream = chat.stream("Count to nine.", limit=30)
    next(stream)
    stream.close()
    assert stream.reply.tokens == 1
    assert not stream.reply.complete


def _cancel(chat: Chat) -> None:
    event = threading.Event()
    reply = chat.say("Count to nine.", limit=30, on_text=lambda _: event.set(), cancel=event)
    assert reply.tokens == 1


def _forget(chat: Chat) -> None:
    """Ended by what is said next."""
    chat.kept = chat.stream("Count to nine.", limit=30)  # type: ignore[attr-defined]
    next(chat.kept)  # type: ignore[attr-defined]


@pytest.mark.parametrize("end", [_leave, _close, _cancel, _forget])
def test_a_reply_ended_early_counts_and_the_chat_goes_on(
    end: Callable[[Chat], None], reader: LlamaModel
) -> None:
    chat = chat_of(reader)
    chat.say("Who are you?", limit=4)
    end(chat)
    chat.say("And now?", limit=4)
    assert chat.turns == 3
    assert [text for role, text in chat.messages if role == "user"][1] == "Count to nine."
    assert all(text for _, text in chat.messages)
    assert_intact(chat)


def test_a_turn_cancelled_while_it_is_read_was_never_said(reader: LlamaModel) -> None:
    chat = chat_of(reader)
    chat.say("Who are you?", limit=4)
    before = seen(chat)
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError):
        chat.say("Count to nine.", cancel=cancel)
    assert seen(chat) == before
    assert chat.turns == 1
    assert chat.say("And now?", limit=4).read < 40
    assert_intact(chat)
