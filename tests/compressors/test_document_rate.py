"""Documents that have nothing to say for a question get nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua import Budget, Prompt, Segment, load_compressor
from edgelingua.compressors import TokenPruner

ANSWER = (
    "The grain dryer of the Halden mill was built in 1931 by the engineer Ruth Ostby. It burnt oil "
    "at first, and straw from 1958 on."
)
QUESTION = "Who built the grain dryer of the Halden mill?"
OTHERS = [
    "Basalt columns form when a thick flow of lava cools slowly and cracks from its surface down.",
    "The ferry to Ronne leaves at six in the morning and at noon; in winter only at noon.",
    "A sonnet has fourteen lines, and its volta comes before the ninth or before the last two.",
    "Octopuses taste with their suckers, and each of their arms has nerve cells of its own.",
    "The council bought two snow ploughs in May, when nobody else wanted any, and saved a third.",
]


@pytest.fixture(scope="module")
def mini() -> TokenPruner:
    compressor = load_compressor()
    assert isinstance(compressor, TokenPruner)
    return compressor


def kept(
    mini: TokenPruner, texts: list[str] | list[Segment], question: str, rate: float
) -> list[str]:
    """What is left of each document."""
    prompt = Prompt.build(texts, question=question)
    compressed = mini.compress(prompt, Budget(rate=rate))
    assert compressed.tokens_out <= compressed.limit
    left = zip(prompt.segments, compressed.segment_texts(), strict=True)
    return [text.strip() for segment, text in left if segment.role not in {"separator", "question"}]


@pytest.mark.parametrize("place", range(6))
def test_they_get_nothing_and_what_answers_stays_whole(mini: TokenPruner, place: int) -> None:
    texts = [*OTHERS[:place], ANSWER, *OTHERS[place:]]
    left = kept(mini, texts, QUESTION, 0.6)
    assert left[place] == ANSWER
    assert [text for at, text in enumerate(left) if at != place] == [""] * 5


def test_all_may_compete_for_the_whole_budget(mini: TokenPruner) -> None:
    left = kept(mini.with_options(document_rate=1), [ANSWER, *OTHERS], QUESTION, 0.6)
    assert left[0] == ANSWER
    assert sum(map(bool, left)) > 3


@pytest.mark.parametrize(
    ("texts", "question", "rate"),
    [
        ([ANSWER, *OTHERS], QUESTION, 1.0),  # all of it fits
        ([ANSWER, *OTHERS], "", 0.6),
        (OTHERS, "Which chess opening did the champion lose with?", 0.8),  # nobody answers
        ([ANSWER, OTHERS[0]], QUESTION, 0.8),  # of two
    ],
)
def test_where_all_stay(mini: TokenPruner, texts: list[str], question: str, rate: float) -> None:
    assert all(kept(mini, texts, question, rate))


@pytest.mark.parametrize(
    "segment",
    [
        Segment(OTHERS[0], floor=0.4),
        Segment(OTHERS[0], rate=0.4),
        Segment(OTHERS[0], "instruction", compress=True),
        Segment(OTHERS[0], pin="lava"),
    ],
)
def test_what_was_asked_for_stays(mini: TokenPruner, segment: Segment) -> None:
    left = kept(mini, [segment, Segment(ANSWER), *map(Segment, OTHERS[1:])], QUESTION, 0.6)
    assert left[0]
    assert left[2:] == [""] * 4


def test_both_sides_of_a_comparison_stay(mini: TokenPruner) -> None:
    texts = [
        "Niyoti\nNiyoti is a film of 1999 about a ferry.",
        "Angali Pangali\nAngali Pangali is a comedy that came out in 2004.",
        *OTHERS,
    ]
    left = kept(mini, texts, "Which film came out first, Niyoti or Angali Pangali?", 0.4)
    assert "1999" in left[0]
    assert "2004" in left[1]


def test_the_second_step_of_a_question_stays(mini: TokenPruner) -> None:
    texts = [
        "The Lantern\nThe Lantern is a film of 1987 directed by Maria Olsen. It was a failure.",
        *OTHERS,
        "Maria Olsen\nMaria Olsen was born in Bergen in 1951. She died in Oslo.",
    ]
    left = kept(mini, texts, "In which city was the director of The Lantern born?", 0.5)
    assert "Maria Olsen" in left[0]
    assert "Bergen" in left[-1]


@settings(max_examples=20, deadline=None)
@given(st.permutations([ANSWER, *OTHERS]), st.floats(0.1, 0.9))
def test_no_order_and_no_budget_drops_the_answer(
    mini: TokenPruner, texts: list[str], rate: float
) -> None:
    left = kept(mini, texts, QUESTION, rate)
    assert "Ruth Ostby" in left[texts.index(ANSWER)]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Wer baute den Getreidetrockner der Mühle in Halden?", 0),
        ("¿Cuándo sale el transbordador a Ronne?", 2),
    ],
)
def test_a_question_in_another_language(mini: TokenPruner, question: str, answer: int) -> None:
    assert kept(mini, [ANSWER, *OTHERS], question, 0.5)[answer]
