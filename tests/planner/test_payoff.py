"""When compressing pays, beside what follows from the costs by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.planner.payoff import LONGEST, break_even, saved
from tests.planner.cards import compressor, reader


def test_it_is_where_the_times_are_equal() -> None:
    # 0.01 s a token read, 0.8 of them saved; 1 s to start and 0.002 s a token to compress.
    found = break_even(reader(0.01), 0.2, compressor(0.002, start=1.0))
    assert found == pytest.approx(1.0 / (0.008 - 0.002), abs=1)


def test_it_never_pays_where_compressing_takes_longer_than_reading() -> None:
    assert break_even(reader(0.001), 0.2, compressor(0.01)) is None
    assert break_even(reader(0.01), 0.2, compressor(0.0001)) == 32


@given(st.floats(1e-4, 0.1), st.floats(1e-5, 0.1), st.floats(0, 5), st.floats(0.05, 0.9))
def test_it_pays_from_there_on(read: float, press: float, start: float, rate: float) -> None:
    costs = reader(read), rate, compressor(press, start)
    least = break_even(*costs)
    for length in (2**n for n in range(5, 21)):
        gain = saved(costs[0], length, rate, costs[2])
        # Where both take equally long, rounding decides.
        assert least is None or length < least or gain > -1e-9 * read * LONGEST
