"""Questions of several steps that are made of questions of one."""

from __future__ import annotations

import pytest

from edgelingua_export.train import compose
from edgelingua_export.train.compose import composed, described
from edgelingua_export.train.labels import Example, groups
from edgelingua_export.train.readers_qa import ANSWER, BRIDGE, answer_marks, occurrences

OPERA = "Nixon in China is an opera in three acts. It was written by John Adams in 1987."
ADAMS = "John Adams was born in Worcester in 1947, and he studied at Harvard."
TOWN = "The river through Worcester is the Blackstone, and its first bridge was built in 1812."
OTHERS = [f"Mill {number} makes paper for the town of Dalton." for number in range(6)]


def _asked(question: str, text: str, answer: str, group: str) -> Example:
    marks = tuple(answer_marks(text, occurrences(text, [answer])))
    return Example(text, marks, question, group, "s")


STEPS = [
    _asked("Who wrote Nixon in China?", OPERA, "John Adams", "1"),
    _asked("What is the birthplace of John Adams?", ADAMS, "Worcester", "2"),
    _asked("What river flows through Worcester?", TOWN, "Blackstone", "3"),
    *(_asked("What does the mill make?", text, "paper", f"4{text}") for text in OTHERS),
]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Who is the president of France?", "the president of France"),
        ("What was the first album of the band?", "the first album of the band"),
        ("Who founded Apple?", "the person who founded Apple"),
        ("Which city did Chopin visit in 1837?", "the city that Chopin visit in 1837"),
        ("In which country does Anna live?", "the country in which Anna live"),
        ("What river flows through Worcester?", "the river that flows through Worcester"),
        ("What is the name of the founder of Apple?", "the founder of Apple"),
        ("What is it?", None),
        ("When was he born?", None),
        ("In what year did the war end?", None),  # the answer is no name
        ("How many people live in Rome?", None),
        ("Who did it? And when?", None),
        ("", None),
    ],
)
def test_a_question_is_said_as_what_it_asks_for(question: str, said: str | None) -> None:
    assert described(question) == said


def test_a_question_takes_the_place_of_its_answer() -> None:
    found = {group[0].question: group for group in groups(composed(STEPS, 6, 0))}
    two = "What is the birthplace of the person who wrote Nixon in China?"
    assert set(found) == {
        two,
        "What river flows through the birthplace of John Adams?",
        "What river flows through the birthplace of the person who wrote Nixon in China?",
    }
    assert {len(group) for group in found.values()} == {6}
    assert len({example.group for group in found.values() for example in group}) == 3
    first, second, *others = found[two]
    assert [first.text[m.start : m.end] for m in first.marks if m.label == BRIDGE] == ["John Adams"]
    assert not [m for m in first.marks if m.label == ANSWER]
    assert [second.text[m.start : m.end] for m in second.marks if m.label == ANSWER] == [
        "Worcester"
    ]
    assert not any(example.marks or "Worcester" in example.text for example in others)


def test_a_verb_may_follow_the_name() -> None:
    born = _asked("Where was John Adams born?", ADAMS, "Worcester", "2")
    (group,) = groups(composed([STEPS[0], born], 4, 0))
    assert group[0].question == "Where was the person who wrote Nixon in China born?"


def test_no_name_is_asked_about_more_often_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    firsts = [
        _asked(f"Who {verb} Nixon in China?", f"{verb}. {OPERA}", "John Adams", verb)
        for verb in ("wrote", "made", "composed", "signed")
    ]
    seconds = [
        _asked(f"Where was the {n} of John Adams?", f"{n} {ADAMS} In {n}town.", f"{n}town", f"{n}")
        for n in ("house", "school", "garden", "piano", "desk")
    ]
    for most, of_one in ((4, 3), (40, 3), (40, 9)):
        monkeypatch.setattr(compose, "_OF_A_NAME", most)
        monkeypatch.setattr(compose, "_OF_ONE", of_one)
        found = list(groups(composed([*firsts, *seconds], 2, 0)))
        assert len(found) == min(most, len(seconds) * min(of_one, len(firsts)))


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        (ADAMS, "Where was John Adams born before the wife of John Adams died?", "Worcester"),
        (f"{ADAMS} An opera.", "What is the work of John Adams?", "opera"),  # both texts say it
    ],
)
def test_a_step_that_is_none_is_left_out(text: str, question: str, answer: str) -> None:
    assert not list(composed([STEPS[0], _asked(question, text, answer, "2")], 4, 0))


def test_a_later_name_is_taken_where_the_first_does_not_fit() -> None:
    question = "Was the prize of Nobel given to the father of John Adams?"
    first = _asked("Who gave the prize?", f"Nobel gave it. {ADAMS}", "Nobel", "0")
    second = _asked(question, f"Nobel, {ADAMS}", "Harvard", "2")  # the first's text says Harvard
    found = [group[0].question for group in groups(composed([first, STEPS[0], second], 4, 0))]
    assert found == [
        "Was the prize of Nobel given to the father of the person who wrote Nixon in China?"
    ]


def test_nothing_is_composed_of_nothing() -> None:
    assert not list(composed([], 4, 0))
    assert not list(composed([Example(ADAMS)], 4, 0))


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("What town was John Adams Whipple born in?", "another name"),
        ("John Adams was born in what town?", "it begins the question"),
        ("What is the John Adams prize?", "it is no name by itself"),
    ],
)
def test_only_a_name_by_itself_is_replaced(question: str, why: str) -> None:
    assert not list(composed([STEPS[0], _asked(question, ADAMS, "Harvard", "2")], 4, 0)), why


def test_two_steps_need_two_texts_and_hide_the_answer() -> None:
    later = _asked("In what year did the work of John Adams appear?", OPERA, "1987", "2")
    one = [_asked("Who wrote it?", OPERA, "John Adams", "1"), later]
    assert not list(composed(one, 4, 0))
    two = [_asked("Who came from Worcester?", OPERA, "John Adams", "1"), STEPS[1]]
    assert not list(composed(two, 4, 0))  # the first step says the second one's answer
