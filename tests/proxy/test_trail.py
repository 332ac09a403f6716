"""Marks of places in conversations."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua.integrations.proxy.messages import turns
from edgelingua.integrations.proxy.tool import fill
from edgelingua.integrations.proxy.trail import Trail

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "tool_calls", "source", "id", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def marks(said: list[Any], secret: bytes = b"s", whose: bytes = b"w") -> list[bytes]:
    trail = Trail(secret, whose)
    return [trail.mark(each) for each in said]


@given(st.lists(values, max_size=5), values, values)
def test_the_same_beginning_has_the_same_marks(said: list[Any], one: Any, other: Any) -> None:
    first, second = marks([*said, one]), marks([*said, other])
    assert first[:-1] == second[:-1]
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (first[-1] == second[-1]) is same


@given(st.lists(values, min_size=1, max_size=3))
def test_marks_are_one_clients(said: list[Any]) -> None:
    assert marks(said)[-1] not in (marks(said, b"t")[-1], marks(said, b"s", b"v")[-1])


def test_breakpoints_leave_no_mark() -> None:
    plain = {"type": "text", "text": "x", "inner": [{"a": 1}]}
    marked = plain | {"cache_control": {"type": "ephemeral"}}
    assert marks([plain]) == marks([marked])


@settings(max_examples=200)
@given(values)
def test_whatever_comes_is_read_and_left_alone(body: Any) -> None:
    for request in (
        body if isinstance(body, dict) else {},
        {"messages": body},
        {"messages": [body]},
    ):
        before = json.dumps(request)
        for turn in turns(request):
            for block in turn.blocks:
                for place in block.places:
                    place.put(place.text)
        fill(request, lambda name: None)
        assert json.dumps(request) == before
