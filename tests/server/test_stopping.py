from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgelingua.integrations.server.stopping import Stopper

few = st.text("ab", max_size=12)


@given(st.lists(few, max_size=8), st.lists(st.text("ab", min_size=1, max_size=3), max_size=4))
def test_a_text_ends_where_the_first_stop_is_complete(pieces: list[str], stops: list[str]) -> None:
    stopper = Stopper(stops)
    passed = ""
    for piece in pieces:
        passed += stopper.feed(piece)
        if stopper.stopped:
            break
    passed += stopper.rest()
    text = "".join(pieces)
    complete = [text.index(stop) + len(stop) for stop in stops if stop in text]
    assert stopper.stopped == bool(complete)
    if not complete:
        assert passed == text
        return
    assert text.startswith(passed)
    assert not any(stop in passed for stop in stops)
    assert any(text.startswith(stop, len(passed)) for stop in stops)


def test_what_cannot_be_a_stop_is_passed_on_at_once() -> None:
    stopper = Stopper(["END"])
    assert [stopper.feed(piece) for piece in ("a", "E", "N", "x", "E")] == ["a", "", "", "ENx", ""]
    assert stopper.rest() == "E"
