"""Messages of any number and length become a prompt that fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from edgelingua import load_compressor
from edgelingua.integrations.server import window
from edgelingua.integrations.server.chat_layout import ChatLayout
from edgelingua.integrations.server.laid import Laid
from edgelingua.integrations.server.messages import Message
from edgelingua.integrations.server.question import split
from edgelingua.integrations.server.talk import Talk
from edgelingua.integrations.server.text_layout import TextLayout
from tests.conftest import DOCUMENT, TEXTS

if TYPE_CHECKING:
    from edgelingua.llama.model import LlamaModel

pytestmark = pytest.mark.llama

CAP, ROOM = 512, 384
TALK = [
    ("user", "My cat is called Balthasar and my dog Melchior."),
    ("assistant", "What fine names they have."),
]


def messages(said: Sequence[tuple[str, str]]) -> list[Message]:
    return [Message(role, content, number) for number, (role, content) in enumerate(said)]


def text_of(reader: LlamaModel, laid: Laid, *, pinned: bool = False) -> str:
    tokens = laid.tokens[laid.pinned] if pinned else laid.tokens
    return b"".join(reader.pieces(tokens)).decode(errors="replace")


def readable(reader: LlamaModel, text: str) -> str:
    """What of a text the reader has tokens for: not all control characters."""
    pieces = reader.pieces(reader.tokenize_part(text))
    return b"".join(pieces).decode(errors="replace")


@pytest.fixture(scope="module")
def quick(reader: LlamaModel) -> ChatLayout:
    """With the fastest compressor there is."""
    return ChatLayout(reader, load_compressor("truncate", count=reader.count), CAP)


@pytest.fixture(scope="module")
def layout(reader: LlamaModel) -> ChatLayout:
    return ChatLayout(reader, load_compressor(count=reader.count), CAP)


@pytest.fixture(scope="module")
def gemma_layout(tmp_path_factory: pytest.TempPathFactory) -> ChatLayout:
    """Of a reader whose template refuses tools, and two messages of the same role in a row."""
    from edgelingua.llama.model import LlamaModel
    from tests import tiny_gguf

    path = tiny_gguf.write_gemma(tmp_path_factory.mktemp("gguf") / "gemma.gguf", chat=True)
    reader = LlamaModel(path, threads=1)
    return ChatLayout(reader, load_compressor("truncate", count=reader.count), CAP)


plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
repeated = st.builds(
    lambda text, size: (text * (size // max(1, len(text)) + 1))[:size],
    st.sampled_from([*TEXTS.values(), "word ", "x", "\n", "Why? "]) | plain,
    st.sampled_from([3, 40, 400, 4_000, 20_000]),
)
said = st.lists(
    st.tuples(st.sampled_from(["user", "assistant", "tool"]), plain | repeated), max_size=5
)
many = st.builds(
    lambda pair, times: pair * times,
    st.lists(
        st.tuples(st.sampled_from(["user", "assistant", "tool"]), plain), min_size=1, max_size=3
    ),
    st.sampled_from([1, 30, 200]),
)


@settings(max_examples=40, phases=[Phase.explicit, Phase.generate])
@given(st.tuples(plain, said | many, plain | repeated).filter(lambda t: len(t[0]) < 200))
def test_whatever_is_said_fits(
    quick: ChatLayout, reader: LlamaModel, drawn: tuple[str, list[tuple[str, str]], str]
) -> None:
    system, before, last = drawn
    everything = messages([("system", system), *before, ("user", last)])
    laid = quick.lay_out(everything, ROOM)
    assert len(laid.tokens) == len(laid.pinned) <= CAP
    assert len(laid.tokens) <= laid.before or not laid.changes
    kept = text_of(reader, laid, pinned=True)
    assert readable(reader, system) in kept
    if reader.count(last) <= 64:
        assert readable(reader, last) in kept
    assert laid.pinned.sum() < CAP * 3 // 4 + 64
    for change in laid.changes:
        assert change.after < change.before or change.after <= 1
        assert everything[change.message].role != "system"


@settings(max_examples=30, phases=[Phase.explicit, Phase.generate])
@given(said)
def test_templates_that_alternate_take_whatever_is_said(
    gemma_layout: ChatLayout, said: list[tuple[str, str]]
) -> None:
    assert gemma_layout.sizes.alternates
    laid = gemma_layout.lay_out(messages([*said, ("user", "Why?")]), ROOM)
    assert len(laid.tokens) <= CAP
    assert text_of(gemma_layout.reader, laid, pinned=True).endswith("Why?\nmodel\n")


def test_what_fits_is_laid_out_as_it_came(quick: ChatLayout, reader: LlamaModel) -> None:
    said = messages([("system", "Be brief."), *TALK, ("user", "What is my cat called?")])
    assert not quick.sizes.alternates
    laid = quick.lay_out(said, ROOM)
    parts = reader.chat([(m.role, m.content) for m in said])
    assert laid.tokens.tolist() == [int(token) for part in parts for token in part.tokens]
    assert laid.before == len(laid.tokens)
    assert not laid.changes


def test_an_early_turn_is_found_by_the_last_question(
    layout: ChatLayout, reader: LlamaModel
) -> None:
    chatter = [
        turn
        for day in range(40)
        for turn in (
            ("user", f"On day {day} it rained and we walked along the river for an hour."),
            ("assistant", "That sounds like a pleasant walk, in spite of the rain."),
        )
    ]
    said = messages([*TALK, *chatter, ("user", "What is the name of my cat?")])
    laid = layout.lay_out(said, ROOM)
    assert laid.before > 2 * CAP
    assert len(laid.tokens) <= ROOM
    assert "Balthasar" in text_of(reader, laid)
    assert chatter[-2][1] in text_of(reader, laid)  # the most recent turn stays as it was


def test_tool_outputs_are_cut_where_they_stand(layout: ChatLayout, reader: LlamaModel) -> None:
    log = "".join(f"12:{n // 60:02}:{n % 60:02} GET /items/{n} 200\n" for n in range(900))
    fault = "12:30:30 ERROR disk sda1 is full\n"
    said = messages(
        [
            ("user", "Which disk is full?"),
            ("assistant", "I look at the log."),
            ("tool", log[: len(log) // 2] + fault + log[len(log) // 2 :]),
        ]
    )
    laid = layout.lay_out(said, ROOM)
    text = text_of(reader, laid)
    assert "sda1" in text
    assert text.index("Which disk is full?") < text.index("I look at the log.")
    assert [change.message for change in laid.changes] == [2]


def test_pins_survive(quick: ChatLayout, layout: ChatLayout, reader: LlamaModel) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    said = messages([("user", text + "KEY-77-Ä"), ("assistant", "I see."), ("user", "What is it?")])
    for one in (quick, layout):
        assert "KEY-77-Ä" in text_of(reader, one.lay_out(said, ROOM, ["KEY-77-Ä"]), pinned=True)


def test_pins_may_take_the_room_of_the_answer(quick: ChatLayout, reader: LlamaModel) -> None:
    pin = " ".join(f"item{n}" for n in range(100))
    said = messages([("user", "x " * 2000 + pin), ("assistant", "I see."), ("user", "And?")])
    assert reader.count(pin) > ROOM // 2
    assert pin in text_of(reader, quick.lay_out(said, ROOM, [pin]), pinned=True)


def test_a_text_to_be_continued_keeps_its_end(reader: LlamaModel) -> None:
    layout = TextLayout(reader, load_compressor(count=reader.count))
    text = DOCUMENT.read_text(encoding="utf-8")
    laid = layout.lay_out(text, ROOM)
    assert len(laid.tokens) <= ROOM + 4
    kept = text_of(reader, laid)
    assert kept.endswith(text[-400:])
    assert text_of(reader, laid, pinned=True) in text


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("{}\n\nWho won?", "Who won?"),
        ("{}\nWho won?\n", "Who won?"),
        ("{} Who won?", "Who won?"),
        ("Summarize this:\n{}\n\nIn one line.", "Summarize this:\nIn one line."),
    ],
)
def test_what_is_asked_is_told_from_what_is_pasted(
    reader: LlamaModel, text: str, question: str
) -> None:
    pasted = DOCUMENT.read_text(encoding="utf-8")[:6000].replace("\n", " ") + "The end."
    asked = split(text.format(pasted), 16, reader.count)
    assert asked.question == question
    assert asked.before + asked.document + asked.after == text.format(pasted)


def test_the_window_moves_in_leaps() -> None:
    starts = [window.first_kept([30] * turns, 200) for turns in range(1, 60)]
    assert starts == sorted(starts)
    assert len(set(starts)) < 20  # so that most requests begin as the one before
    for turns, start in enumerate(starts, start=1):
        assert 30 * (turns - start) <= 200
    assert window.first_kept([500], 200) == 1


def test_a_talk_is_cut_where_templates_alternate() -> None:
    talk = Talk.of(
        messages(
            [
                ("user", "a"),
                ("assistant", "b"),
                ("system", "s"),
                ("user", "c"),
                ("assistant", "d"),
                ("tool", "e"),
                ("assistant", "f"),
            ]
        )
    )
    contents = [
        ["".join(m.content for m in turn) for turn in part] for part in (talk.turns, talk.steps)
    ]
    assert contents == [["ab"], ["de", "f"]]
    assert (talk.system, talk.asked and talk.asked.content) == ("s", "c")
