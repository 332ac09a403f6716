"""Figures as people read them."""

from __future__ import annotations

import pytest

from edgelingua.cli import readable
from edgelingua.kv.policies import DEFAULT_POLICY, H2O, POLICIES, Blocked, load_policy, name_of
from edgelingua.kv.policies.streaming import Streaming


@pytest.mark.parametrize(
    ("milliseconds", "told"),
    [(0.4, "0.00 s"), (312, "0.31 s"), (20374.9, "20.4 s"), (1_234_567, "1,234.6 s")],
)
def test_times_are_seconds(milliseconds: float, told: str) -> None:
    assert readable.time({"prefill": milliseconds}) == {"time": f"prefill {told}"}


def test_a_policy_is_called_by_what_chooses_it() -> None:
    assert name_of(DEFAULT_POLICY) == "knorm, recent 0, phrase 12, window 25"
    assert name_of(Blocked(H2O(recent=4))) == f"h2o, recent 4, block {Blocked(H2O()).size}"
    for name in POLICIES:
        assert name_of(POLICIES[name].make()) == name
        made = load_policy(name, recent=40, smooth=5, phrase=7, window=11, block=13)
        assert name_of(made) == f"{name}, recent 40, smooth 5, phrase 7, window 11, block 13"


def test_one_of_somebody_else_is_called_by_its_repr() -> None:
    class Mine(Streaming):
        """Not ours."""

    assert name_of(Mine()) == repr(Mine())
    assert name_of(Blocked(Mine())) == repr(Blocked(Mine()))
