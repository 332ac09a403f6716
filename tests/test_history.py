"""A history only ever grows at its end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua import History
from edgelingua.budget import Budget
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import Task
from edgelingua.compressors import METHODS, load_compressor
from edgelingua.errors import BudgetError, EdgeLinguaError, InputError
from edgelingua.text.boundaries import count_words
from tests.conftest import DOCUMENT, TEXTS

DOCUMENT_TEXT = DOCUMENT.read_text(encoding="utf-8")
LONG = DOCUMENT_TEXT[:1500]


def test_an_agents_log(scorer_bundle: ModelBundle) -> None:
    compressor = load_compressor("question_aware", scorer_bundle.folder)
    count = compressor.count
    history = History(compressor)
    history = history.add("You maintain  a web shop.\n" + LONG, role="system", compress=False)
    history = history.add("Which city burned?", role="user")
    history = history.add(LONG, role="tool", question="Which city burned?")
    history = history.add("\n", role="assistant")
    budget = Budget(tokens=40)
    history = history.add(LONG, role="tool", question="Who rallies?", budget=budget, pin="Chicago")
    system, asked, tool, blank, last = history.turns
    assert [t.role for t in history.turns] == ["system", "user", "tool", "assistant", "tool"]
    assert system.text == system.original == "You maintain  a web shop.\n" + LONG
    assert asked.text == "Which city burned?"
    assert blank.text == "\n"
    assert [turn.compressed is None for turn in history.turns] == [True, True, False, True, False]
    for turn in (tool, last):
        assert "?" not in turn.text, "the question is no part of the turn"
        assert turn.tokens_in == count(LONG)
        assert turn.tokens_out == count(turn.text)
    assert tool.tokens_out <= 0.5 * tool.tokens_in < tool.tokens_out + 12
    assert 20 < last.tokens_out <= 40
    assert "Chicago" in last.text
    assert tool.compressed is not None
    assert tool.compressed.recover(tool.text[:80]).text.startswith(tool.text[:3])
    assert history.tokens_in == sum(count(turn.original) for turn in history.turns)
    assert history.tokens_out == sum(count(turn.text) for turn in history.turns)
    assert history.messages()[1] == {"role": "user", "content": "Which city burned?"}
    assert history.text == "\n\n".join(message["content"] for message in history.messages())


@pytest.mark.parametrize("method", METHODS)
def test_every_method_leaves_old_turns_alone(
    method: str, bundles: dict[Task | None, Path | None]
) -> None:
    history = History(load_compressor(method, bundles[METHODS[method].task]))
    for text in [*TEXTS.values(), DOCUMENT_TEXT[:800]]:
        before = history.text, [turn.text for turn in history.turns]
        longer = history.add(text, role="tool", question="How much?")
        assert longer.text.startswith(before[0])
        assert [turn.text for turn in longer.turns[:-1]] == before[1]
        assert (history.text, [turn.text for turn in history.turns]) == before
        history = longer
    assert history.tokens_out < history.tokens_in


TURNS = st.tuples(
    st.text(max_size=60) | st.sampled_from([*TEXTS.values(), "", " \n", "a\0b", "\ud800", "yes"]),
    st.sampled_from(["system", "user", "assistant", "tool", " "]),
    st.none()
    | st.builds(lambda n: Budget(tokens=n), st.integers(1, 30))
    | st.builds(lambda r: Budget(rate=r), st.sampled_from([0.05, 0.5, 1.0])),
    st.booleans(),
    st.sampled_from(["", "  ", "How much gold?"]),
)


@given(turns=st.lists(TURNS, max_size=8), keep_up_to=st.integers(0, 20))
@settings(deadline=None)
def test_the_text_is_always_extended(
    turns: list[tuple[str, str, Budget | None, bool, str]], keep_up_to: int
) -> None:
    history = History(load_compressor("random"), keep_up_to=keep_up_to)
    for text, role, budget, compress, question in turns:
        try:
            longer = history.add(text, role, budget=budget, compress=compress, question=question)
        except EdgeLinguaError:
            continue  # and on with the old one
        assert longer.text.startswith(history.text)
        assert longer.turns[:-1] == history.turns
        turn = longer.turns[-1]
        assert turn.tokens_in == history.compressor.count(text)
        assert turn.tokens_out == history.compressor.count(turn.text)
        if not compress or not text.strip():
            assert turn.text == text
        elif budget is not None:
            assert turn.tokens_out <= budget.limit(turn.tokens_in)
        elif turn.tokens_in <= keep_up_to:
            assert turn.text == text
        else:
            assert turn.tokens_out <= max(1, turn.tokens_in / 2)
        history = longer


def test_a_turn_that_fails_changes_nothing() -> None:
    history = History(load_compressor("truncate")).add("Some words to begin with.")
    text, turns = history.text, history.turns
    with pytest.raises(BudgetError, match="more than the budget of 1"):
        history.add("one two three", budget=Budget(tokens=1), pin="two three")
    assert history.add("one", budget=Budget(rate=0.5)).turns[-1].text == "one"
    with pytest.raises(InputError, match="NUL"):
        history.add("a\0b", compress=False)
    with pytest.raises(InputError, match="without a role"):
        history.add("one", role="")
    assert (history.text, history.turns) == (text, turns)


def test_short_turns_stay_unless_they_bring_a_budget() -> None:
    history = History(load_compressor("truncate"), keep_up_to=3)
    assert history.add("one two three").text == "one two three"
    assert history.add("one two three four").text == "one two"
    assert history.add("one two three", budget=Budget(tokens=1)).text == "one"


def test_tokens_are_counted_as_the_reader_does() -> None:
    by_letters = Budget(rate=0.5, count=len)
    history = History(load_compressor("truncate"), by_letters, keep_up_to=0)
    turn = history.add("four five six").turns[0]
    assert (turn.text, turn.tokens_in, turn.tokens_out) == ("four", 13, 4)
    by_words = Budget(tokens=2, count=count_words)
    assert history.add("four five six", budget=by_words).text == "four five"
    named = load_compressor("truncate").with_options(count=len)
    assert History(named, keep_up_to=0).add("four five six").tokens_in == 13
