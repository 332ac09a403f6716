"""How unsure a model was: from the likelihoods of its tokens, and from what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.readers.doubt import cannot_tell, doubt_of

logs = st.lists(st.floats(-50, 0), min_size=1, max_size=30)


@pytest.mark.parametrize(
    "answer",
    [
        *("", " .", "Unknown.", "I cannot tell.", "I can't say who it was.", "Not specified"),
        *("The text does not mention it.", "It isn’t stated in the text.", "It is not clear."),
        *("This could not be determined", "There is no mention of that.", "No information."),
        *("I'm sorry, but the text doesn't say that.", "I am unable to find the answer."),
    ],
)
def test_what_says_that_it_cannot_tell_is_all_doubt(answer: str) -> None:
    assert cannot_tell(answer)
    assert doubt_of(answer, [0.0]) == 1


@pytest.mark.parametrize(
    "answer",
    [
        "Boston",
        "14 July 1872",
        "He knew no fear.",
        "They say it was red.",
        "The Unclean",
        "not red",
    ],
)
def test_answers_are_none(answer: str) -> None:
    assert not cannot_tell(answer)
    assert doubt_of(answer, [0.0, 0.0]) == 0


@given(logs, st.integers(2, 5))
def test_it_is_a_share_that_length_alone_does_not_change(given: list[float], times: int) -> None:
    doubt = doubt_of("Boston", given)
    assert 0 <= doubt <= 1
    assert doubt_of("Boston", given * times) == pytest.approx(doubt)
    assert doubt_of("Boston", [each / 2 for each in given]) <= doubt
