"""Chats without end: only the new turn is laid out, and what the template says stays whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgelingua.chat import Chat
from edgelingua.errors import CapError, InputError, ReaderError, StateError
from edgelingua.kv.engine import Heard
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import KeyDiff, Random, Streaming
from edgelingua.kv.storage import SavedSession
from edgelingua.llama.model import ChatPart, LlamaModel, Sampling
from tests import tiny_gguf

SYSTEM = "Be kind."
WARM = Sampling(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0)


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> LlamaModel:
    path = tmp_path_factory.mktemp("gemma") / "chat.gguf"
    return LlamaModel(tiny_gguf.write_gemma(path, chat=True), threads=1)


@pytest.fixture(params=["chatml", "gemma"])
def model(request: pytest.FixtureRequest, reader: LlamaModel, gemma: LlamaModel) -> LlamaModel:
    return reader if request.param == "chatml" else gemma


def frame(chat: Chat) -> list[int]:
    """What the cache holds of the template and of the system prompt."""
    groups = chat.session.groups
    tokens: list[int] = chat.session.cells.tokens[(groups == 0) | (groups % 2 == 1)].tolist()
    return tokens


def expected(model: LlamaModel, turns: int, system: str) -> list[int]:
    """The same from the template's own rendering of a whole talk."""
    messages = [("system", system)] if system else []
    for turn in range(turns):
        messages += [("user", "?")] if turn == turns - 1 else [("user", "?"), ("assistant", "!")]
    kept = [
        part.tokens
        for part in model.chat(messages)
        if part.source is None or (system and part.source == 0)
    ]
    tokens: list[int] = np.concatenate(kept).tolist()
    return tokens


def turns_left(chat: Chat) -> int:
    groups = chat.session.groups
    return len({(int(group) - 1) // 2 for group in groups if group})


@pytest.mark.parametrize("system", ["", SYSTEM])
def test_a_turn_by_itself_is_laid_out_as_in_the_whole_talk(model: LlamaModel, system: str) -> None:
    chat = Chat(model, model.session(400), system, WARM)
    for turn in range(4):
        chat.say(f"Number {turn}?", limit=4)
        assert frame(chat) == expected(model, turn + 1, system)
        assert chat.session.statistics.evicted == 0


@pytest.mark.parametrize("policy", [Streaming(), KeyDiff(recent=8), Random(recent=8)])
def test_what_is_left_is_a_talk_of_fewer_turns(gemma: LlamaModel, policy: Streaming) -> None:
    chat = Chat(gemma, gemma.session(200, policy), SYSTEM, WARM)
    for turn in range(40):
        chat.say(f"Number {turn}?", limit=12)
        assert frame(chat) == expected(gemma, turns_left(chat), SYSTEM)
        assert len(chat.messages) == 1 + 2 * turns_left(chat)
        assert chat.session.statistics.peak <= 200
    assert chat.turns == 40
    assert len(chat.messages) < 25, "what has left the cache is forgotten"
    assert chat.messages[-2] == ("user", "Number 39?")
    assert chat.session.statistics.evicted > 700


def test_a_turn_costs_the_same_however_many_there_were(
    gemma: LlamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid_out: list[int] = []
    layout = gemma.chat

    def watched(messages: Sequence[tuple[str, str]]) -> list[ChatPart]:
        laid_out.append(sum(1 + len(text) for _, text in messages))
        return layout(messages)

    monkeypatch.setattr(gemma, "chat", watched)
    chat = Chat(gemma, gemma.session(200), SYSTEM, WARM)
    sizes = []
    for turn in range(100):
        chat.say("What is next?", limit=2)
        if turn % 10 == 9:
            sizes.append(len(chat.messages))
    assert len(set(laid_out[3:])) == 1, "each turn lays out the same"
    assert max(sizes) == sizes[2], "what is remembered does not grow"
    assert chat.session.cells.positions[-1] < gemma.trained_length


def test_a_system_prompt_is_read_once_for_many_chats(model: LlamaModel, tmp_path: Path) -> None:
    def replies(chat: Chat) -> list[str]:
        return [chat.say(f"Number {turn}?", limit=5).text for turn in range(2)]

    common = Chat(model, model.session(300), SYSTEM, WARM)
    common.begin()
    used = common.session.statistics.used
    common.begin()
    assert common.session.statistics.used == used > 0
    one, other = common.fork(), common.fork()
    assert replies(one) == replies(other)
    assert frame(one) == expected(model, 2, SYSTEM)
    plain = Chat(model, model.session(300), SYSTEM, WARM)
    read = plain.say("Number 0?", limit=5).read
    assert common.say("Number 0?", limit=5).read == read - used
    assert one.session.cells.tokens.tolist() == other.session.cells.tokens.tolist()
    fork = one.fork()
    assert fork.messages == one.messages
    assert fork.say("And?", limit=6).text == one.say("And?", limit=6).text
    one.save(tmp_path / "one")
    again = Chat.load(model, tmp_path / "one")
    assert (again.messages, again.turns) == (one.messages, 3)


def test_a_beginning_that_was_cut_off_was_none(
    gemma: LlamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = gemma.session(200, cache=CacheOptions(chunk=4))
    chat = Chat(gemma, session, SYSTEM, WARM)
    decode = session.engine.decode
    chunks: list[object] = []

    def cut_off(*arguments: Any) -> Heard:
        chunks.append(arguments)
        if len(chunks) == 3:
            raise KeyboardInterrupt
        return decode(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(session.engine, "decode", cut_off)
        with pytest.raises(KeyboardInterrupt):
            chat.begin()
    assert session.statistics.used == 0
    chat.say("Hello?", limit=3)
    assert frame(chat) == expected(gemma, 1, SYSTEM)


def test_what_no_chat_can_be_is_said_at_the_start(
    gemma: LlamaModel, tiny_reader: LlamaModel
) -> None:
    with pytest.raises(ReaderError, match="has no chat template"):
        Chat(tiny_reader, tiny_reader.session(64))
    with pytest.raises(CapError, match=r"cap of 64 cells is too small: \d+ tokens are pinned"):
        Chat(gemma, gemma.session(64), "Be kind. " * 20)


def test_a_session_that_has_read_something_is_no_place_for_a_chat(
    gemma: LlamaModel, tmp_path: Path
) -> None:
    session = gemma.session(200)
    session.feed(gemma.tokenize("Once upon a time"))
    with pytest.raises(InputError, match="expected an empty one; to share a beginning, begin a"):
        Chat(gemma, session, SYSTEM, WARM)
    chat = Chat(gemma, gemma.session(200), SYSTEM, WARM)
    chat.begin()
    chat.save(tmp_path / "begun")
    for one in (chat.fork(), Chat.load(gemma, tmp_path / "begun"), chat):
        one.say("?", limit=3)
        assert frame(one) == expected(gemma, 1, SYSTEM)
    with pytest.raises(InputError, match="expected an empty one"):
        Chat(gemma, chat.session, SYSTEM, WARM)


@pytest.mark.parametrize(
    "forged",
    [
        {"turns": -1}, {"turns": 1}, {"turns": 2**40}, {"turns": "x"}, {"said": [[5, "a", "b"]]},
        {"said": [["x", "a", "b"]]}, {"said": 3}, {"system": 3}, {"draws": -1}, {"recent": "x"},
        {"sampling": {"temperature": -1}}, {"sampling": {"heat": 1}}, {"sampling": None},
        {"recent": [10**9]}, {"system": ["a"]}, {"system": "\ud800"}, {"sampling": {"top_k": 1.5}},
        {"sampling": {"seed": 1.5}}, {"turns": 3}, {"turns": 2**30}, {"turns": 2.0},
        {"turns": True}, {"draws": 1.5}, {"recent": [1.5]}, {"said": [[0, ["a"], "b"]]},
        {"said": [[0.0, "a", "b"]]}, {"said": [[0, "a"]]},
    ],
)  # fmt: skip
def test_forged_notes_are_no_chat(
    forged: dict[str, object], gemma: LlamaModel, tmp_path: Path
) -> None:
    chat = Chat(gemma, gemma.session(200), SYSTEM, WARM)
    for _ in range(2):
        chat.say("Hello?", limit=3)
    path = tmp_path / "chat"
    chat.save(path)
    assert Chat.load(gemma, path).turns == 2
    saved = SavedSession.read(path)
    replace(saved, notes={**saved.notes, **forged}).write(path)
    with pytest.raises(StateError, match="but no chat"):
        Chat.load(gemma, path)
