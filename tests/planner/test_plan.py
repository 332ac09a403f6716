"""What is chosen meets every limit, and nothing better would have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.errors import InputError
from edgelingua.planner.plan import Limits, plan
from tests.planner.cards import card, compressor, reader

CARD = card(
    reader(0.01),
    reader(0.05, "large", file_mb=900.0, base_mb=1000.0, cell_bytes={"f16": 40_000}),
    compressors=(compressor(0.001), compressor(0.0002, bundle="nano", added_mb=10.0)),
)


def test_without_limits_the_largest_reader_reads_all() -> None:
    chosen = plan(CARD, Limits(4000)).chosen
    assert chosen
    assert (chosen.reader.name, chosen.rate, chosen.compressor) == ("large", 1.0, None)


def test_a_short_time_takes_a_lower_rate_and_less_memory_a_smaller_reader() -> None:
    chosen = plan(CARD, Limits(4000, seconds=45, megabytes=4000)).chosen
    assert chosen
    assert (chosen.reader.name, chosen.rate) == ("large", 0.2)
    chosen = plan(CARD, Limits(4000, seconds=45, megabytes=500)).chosen
    assert chosen
    assert (chosen.reader.name, chosen.rate) == ("small", 1.0)


def test_a_rounded_cache_is_taken_only_where_it_is_needed() -> None:
    chosen = plan(CARD, Limits(4000, megabytes=270)).chosen
    assert chosen
    assert (chosen.kind, chosen.rate) == ("q8_0", 1.0)


def test_what_the_reader_was_not_trained_for_is_not_read() -> None:
    chosen = plan(CARD, Limits(16_000)).chosen
    assert chosen
    assert chosen.cap <= chosen.reader.trained_length
    assert chosen.rate == 0.5


def test_nothing_fits_and_it_says_why() -> None:
    made = plan(CARD, Limits(4000, seconds=0.001))
    assert made.chosen is None
    assert len(made.refused) == len({each.name for each, _ in made.refused})
    assert all("the first token after" in why for _, why in made.refused)
    assert "unknown" not in made.refused[0][1]


def test_memory_that_nobody_knows_meets_no_limit() -> None:
    made = plan(card(reader(0.01, base_mb=None)), Limits(100, megabytes=10_000))
    assert made.chosen is None
    assert made.refused[0][1] == "nothing is known of its memory"


def test_without_a_reader_there_is_no_plan() -> None:
    with pytest.raises(InputError, match="--reader"):
        plan(card(compressors=(compressor(0.1),)), Limits(100))


@given(
    st.integers(1, 50_000),
    st.none() | st.floats(0.01, 100),
    st.none() | st.floats(100, 3000),
)
def test_what_is_chosen_meets_the_limits(
    context: int, seconds: float | None, megabytes: float | None
) -> None:
    limits = Limits(context, seconds, megabytes)
    made = plan(CARD, limits)
    assert all(each.fault(limits) == why != "" for each, why in made.refused)
    if made.chosen:
        assert not made.chosen.fault(limits)
        cells = made.chosen.reader.template + int(made.chosen.rate * context) + limits.answer
        assert cells <= made.chosen.cap <= made.chosen.reader.trained_length
