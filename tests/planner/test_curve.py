"""Seconds over length: right where it was measured, sensible elsewhere."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.planner.curve import Curve

RISING = st.lists(st.floats(0.001, 10), min_size=1, max_size=6).map(
    lambda steps: Curve(
        tuple(float(2**i * 32) for i in range(len(steps))), tuple(itertools.accumulate(steps))
    )
)


@given(RISING)
def test_it_goes_through_what_was_measured(curve: Curve) -> None:
    for length, seconds in zip(curve.lengths, curve.seconds, strict=True):
        assert curve(length) == pytest.approx(seconds)


@given(RISING, st.floats(1, 1e6), st.floats(1, 1e6))
def test_more_never_takes_less_where_it_was_so_when_measured(
    curve: Curve, one: float, other: float
) -> None:
    few, many = sorted((one, other))
    assert 0 <= curve(few) <= curve(many) * (1 + 1e-9)


def test_beyond_it_follows_line_and_square() -> None:
    lengths = (128.0, 512.0, 2048.0, 4096.0)
    curve = Curve(lengths, tuple(0.01 * n + 1e-6 * n**2 for n in lengths))
    assert curve(16384) == pytest.approx(0.01 * 16384 + 1e-6 * 16384**2)
    straight = Curve(lengths, tuple(0.01 * n for n in lengths))
    assert straight(16384) == pytest.approx(163.84)


def test_before_it_keeps_what_starting_takes() -> None:
    assert Curve((100.0, 1100.0), (0.11, 1.11))(50) == pytest.approx(0.06)
    assert Curve((100.0, 1100.0), (0.51, 1.51))(0) == pytest.approx(0.41)
    assert Curve((100.0,), (0.5,))(50) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("lengths", "seconds"),
    [((), ()), ((1.0,), (1.0, 2.0)), ((2.0, 1.0), (1.0, 2.0)), ((1.0,), (0.0,)), ((0.0,), (1.0,))],
)
def test_what_is_none_is_refused(lengths: tuple[float, ...], seconds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="ascending lengths"):
        Curve(lengths, seconds)
