"""Words that deny and leave open: their ways tried by the first letter match what they say."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.text import cues

_WRITTEN = {
    cues.DENYING: [*cues._DENY.values(), cues._HOLD],
    cues.OPEN: [*cues._LEAVE_OPEN.values(), cues._MAY],
}
_BITS = sorted(set(re.findall(r"\w+", "|".join(p for many in _WRITTEN.values() for p in many))))
_PIECES = st.sampled_from([*_BITS, "s", "ed", "ing", "to", "of", "out", "could", "have", "please"])


@given(
    st.lists(st.tuples(_PIECES, st.sampled_from(["", " ", "'", ", ", "\n"])), max_size=12),
    st.sampled_from([str, str.upper, str.title]),
)
def test_cues_match_what_is_written(pieces: list[tuple[str, str]], write: type[str]) -> None:
    text = write("".join(word + behind for word, behind in pieces))
    for pattern, ways in _WRITTEN.items():
        plain = re.compile(rf"(?<!\w)(?:{'|'.join(ways)})(?!\w)", re.IGNORECASE)
        found, expected = ([m.span() for m in p.finditer(text)] for p in (pattern, plain))
        assert found == expected


@pytest.mark.parametrize("ways", [p for many in _WRITTEN.values() for p in many])
def test_no_way_is_lost(ways: str) -> None:
    assert "|".join(cues._ways(ways)) == ways
