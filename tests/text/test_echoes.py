"""Words of a question that a text says again."""

from __future__ import annotations

import pytest

from edgelingua.text.echoes import without_echoes

ASKED = [
    (
        "Who is the minister of education of Norway?",
        "Kari Lund, born in 1975, is the minister of education of Norway since 2021.",
    ),
    (
        "Bộ trưởng bộ giáo dục Việt Nam là ai",
        "Phùng Xuân Nhạ sinh năm 1963 . Ông hiện là Bộ trưởng Bộ Giáo dục và Đào tạo Việt Nam .",
    ),
    (
        "How do I reset the clock of the heat pump?",
        "To reset the clock of the heat pump, hold both keys until it blinks.",
    ),
    (
        "¿Cuál es la capital de la provincia de Soria?",
        "La capital de la provincia de Soria es Soria, a orillas del Duero.",
    ),
]


@pytest.mark.parametrize(("question", "answer"), ASKED)
def test_a_heading_that_asks_the_question_takes_nothing_from_the_answer(
    question: str, answer: str
) -> None:
    for heading in (question, question.rstrip("?"), f"Q {question}"[2:]):
        text = f"{heading}\n{answer}"
        assert without_echoes(text, question) == text


@pytest.mark.parametrize(("question", "answer"), ASKED)
def test_what_is_said_again_and_again_behind_it_goes(question: str, answer: str) -> None:
    for times in (1, 2, 9):
        text = f"{question}\n{f'{question} ' * times}{answer}"
        told = without_echoes(text, question)
        assert question not in told[len(question) :]
        assert len(told) == len(text)


def test_a_text_of_the_question_alone() -> None:
    question, _ = ASKED[0]
    assert without_echoes("", question) == ""
    for text in (question, f"{question}\n", f"\n{question}\n\n"):
        assert without_echoes(text, question) == text
