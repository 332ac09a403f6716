"""Rows that a question of comparison may mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.selection.extremes import compared

CITIES = [
    "Moncton | City | 141.17 | 69,074",
    "Dieppe | City | 51.17 | 23,310",
    "Shediac | Town | 11.97 | 6,053",
    "Sackville | Town | 74.32 | 5,558",
    "Port Elgin | Village | 2.61 | 418",
]
NOTHING = np.zeros(len(CITIES))


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("which city has the least area?", 4),
        ("which city has the largest population?", 0),
        ("what is the smallest town?", 4),
        ("the most people live where?", 0),
    ],
)
def test_the_end_of_a_column_gains(question: str, row: int) -> None:
    assert np.argmax(compared(CITIES, question, NOTHING)) == row


@pytest.mark.parametrize(("question", "row"), [("who was next?", 2), ("who came before?", 0)])
def test_the_row_beside_the_one_asked_for_gains(question: str, row: int) -> None:
    shared = np.asarray([0.0, 3.0, 0.0, 1.0, 0.0])
    assert np.argmax(compared(CITIES, question, shared)) == row


def test_both_ends_of_a_table_gain_where_its_first_row_is_asked_for() -> None:
    gained = compared(CITIES, "what is the last place of the list?", NOTHING)
    assert gained[0] > 0
    assert gained[-1] > 0
    assert not gained[1:-1].any()


def test_others_gain_nothing() -> None:
    assert not compared(CITIES, "where is Dieppe?", NOTHING).any()
    prose = ["The most was said.", "It was late, and the last", "word is nobody's", "own, they say"]
    assert not compared(prose, "who has the most?", np.zeros(4)).any()


@given(
    rows=st.lists(st.text(alphabet="ab 19,.|\t;-−", max_size=20), max_size=8),
    question=st.sampled_from(["the most?", "first", "what is next after", "least before", ""]),
)
def test_every_table_is_read(rows: list[str], question: str) -> None:
    gained = compared(rows, question, np.zeros(len(rows)))
    assert gained.shape == (len(rows),)
    assert ((gained >= 0) & (gained <= 1)).all()
