"""A chat that goes on is laid out as before, with what is new behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from edgelingua import load_compressor
from edgelingua.budget import Count
from edgelingua.integrations.server.chat_layout import ChatLayout
from edgelingua.integrations.server.laid import Laid
from edgelingua.integrations.server.lookup import lookup
from edgelingua.integrations.server.messages import Message
from edgelingua.integrations.server.shown import MOST, Memory, Shown
from edgelingua.text.boundaries import count_words
from tests.conftest import DOCUMENT, TEXTS

if TYPE_CHECKING:
    from edgelingua.llama.model import LlamaModel

pytestmark = pytest.mark.llama

CAP, ROOM = 512, 384
FACT = "My cat is called Balthasar and my dog Melchior."


@pytest.fixture
def layout(reader: LlamaModel) -> ChatLayout:
    return ChatLayout(reader, load_compressor("truncate", count=reader.count), CAP)


class Talk:
    """A chat as a client has it: every request brings all of it."""

    def __init__(self, layout: ChatLayout) -> None:
        self.layout = layout
        self.messages = [Message("system", "Answer briefly.", 0)]
        self.laid: list[Laid] = []

    def say(self, role: str, content: str) -> Laid | None:
        self.messages.append(Message(role, content, len(self.messages)))
        if role == "assistant":
            return None
        laid = self.layout.lay_out(self.messages, ROOM)
        assert len(laid.tokens) <= CAP
        self.laid.append(laid)
        return laid

    def shared(self) -> list[float]:
        """Of each request, which share of the one before it begins with."""
        shares = []
        for before, after in zip(self.laid, self.laid[1:], strict=False):
            most = min(len(before.tokens), len(after.tokens))
            same = before.tokens[:most] == after.tokens[:most]
            shares.append((most if same.all() else int(np.argmin(same))) / len(before.tokens))
        return shares

    def text(self) -> str:
        return b"".join(self.layout.reader.pieces(self.laid[-1].tokens)).decode(errors="replace")


def test_most_requests_begin_with_the_one_before(layout: ChatLayout) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    chat, agent = Talk(layout), Talk(layout)
    for turn in range(30):
        chat.say("user", f"And number {turn}? " + text[turn * 99 :][:150])
        chat.say("assistant", f"Number {turn}.")
    agent.say("user", "Which city had a fire? Look it up.")
    for turn in range(30):
        agent.say("assistant", f"I look at page {turn}.")
        agent.say("tool", text[turn * 999 :][:1200])
    for talk in (chat, agent):
        # What ends a request is the template's opening of a reply.
        whole = [share > 0.9 for share in talk.shared()]
        assert sum(whole) > len(whole) / 2
    assert "Look it up." in agent.text()


def test_the_same_request_is_laid_out_the_same(layout: ChatLayout) -> None:
    talk = Talk(layout)
    for turn in range(9):
        talk.say("user", f"{turn}? " + "word " * 60)
        talk.say("assistant", "So.")
    talk.say("user", "Why?")
    again = layout.lay_out(talk.messages, ROOM)
    assert again.tokens.tolist() == talk.laid[-1].tokens.tolist()
    assert again.changes


def test_what_was_left_out_is_looked_up_for_a_question(layout: ChatLayout) -> None:
    talk = Talk(layout)

    def walk() -> None:
        talk.say("user", f"On day {len(talk.laid)} it rained and we walked along the river. " * 3)
        talk.say("assistant", "A pleasant walk.")

    for _ in range(9):
        walk()
    talk.say("user", FACT)
    talk.say("assistant", "Fine names.")
    while len(talk.laid) < 25 or talk.shared()[-1] > 0.9:  # what follows goes on
        walk()
    assert "Balthasar" not in talk.text()
    talk.say("user", "What is the name of my cat?")
    assert talk.shared()[-1] > 0.9
    assert "Balthasar" in talk.text()


plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
long = st.builds(
    lambda text, size: (text * (size // max(1, len(text)) + 1))[:size],
    st.sampled_from([*TEXTS.values(), "word ", "\n", "Why? "]) | plain,
    st.sampled_from([3, 300, 4_000]),
)
turns = st.tuples(st.sampled_from(["user", "assistant", "tool"]), plain | long)


@settings(max_examples=25, phases=[Phase.explicit, Phase.generate])
@given(st.lists(turns, min_size=5, max_size=25))
def test_whatever_goes_on_fits(reader: LlamaModel, said: list[tuple[str, str]]) -> None:
    talk = Talk(ChatLayout(reader, load_compressor("truncate", count=reader.count), CAP))
    for role, content in said:
        laid = talk.say(role, content)
        if laid is None:
            continue
        assert len(laid.tokens) == len(laid.pinned)
        assert laid.pinned.sum() < CAP * 3 // 4 + 64
        asked = [m for m in talk.messages if m.role == "user"]
        if asked and reader.count(asked[-1].content) <= 32:
            kept = b"".join(reader.pieces(laid.tokens[laid.pinned])).decode(errors="replace")
            want = b"".join(reader.pieces(reader.tokenize_part(asked[-1].content)))
            assert want.decode(errors="replace") in kept


def test_chats_are_told_apart_and_forgotten() -> None:
    memory = Memory()
    said = [Message("user", "a", 0), Message("assistant", "b", 1)]
    keys = memory.keys(["system", "tools"], said)
    assert len(keys) == 3
    memory.keep(keys[1], Shown((said[0],), {}))
    assert (memory.find(keys) or (None, 0))[1] == 1
    for other in (["system", "x"], ["systemt", "ools"]):
        assert memory.find(memory.keys(other, said)) is None
    assert memory.find(memory.keys(["system", "tools"], [Message("user", "ab", 0)])) is None
    for number in range(MOST):
        memory.keep(bytes([number]), Shown((), {}))
    assert memory.find(keys) is None


@pytest.mark.parametrize(
    ("tokens", "options", "found"),
    [
        (6, {}, ["", "The dog is Melchior."]),
        (99, {"seen": "x The dog is Melchior. y"}, ["", ""]),
        (0, {"pins": ["Rain"]}, ["Rain fell.", ""]),
        (8, {"fill": True}, ["", "The dog is Melchior."]),
        (99, {"fill": True}, ["A cat.\nRain fell.", "It is fine.\nThe dog is Melchior."]),
    ],
)
def test_passages_are_found_by_their_words(
    tokens: int, options: dict[str, object], found: list[str]
) -> None:
    texts = ["A cat.\n\nRain fell.", "It is fine. The dog is Melchior."]
    look: Callable[..., list[str]] = lookup
    count: Count = count_words
    assert look(texts, "Whose dog, Melchior", tokens, count=count, **options) == found
