"""What of machine text matters: the odd one out, alarms, causes, and what the question names."""

from __future__ import annotations

import uuid
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua.selection.worth import worth


def best(records: list[str], question: str = "") -> str:
    ends = np.cumsum([len(record) + 1 for record in records])
    spans = np.stack([ends - [len(record) + 1 for record in records], ends - 1], axis=1)
    nothing = np.zeros(len(records))
    return records[int(np.argmax(worth(records, spans, question, nothing, nothing)))]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1 << 32), size=st.integers(20, 120))
def test_the_odd_line_is_best(seed: int, size: int) -> None:
    draw = Random(seed)
    alike = [
        f"06:{draw.randrange(60):02} INFO batch={4000 + n} rows=500 flushed in {n + 80} ms"
        for n in range(size)
    ]
    for odd in (
        "06:41 ERROR batch=4999 rows=0 flush failed: access denied",
        "06:41 INFO batch=4999 rows=17 flushed in 99 ms",
        "06:41 INFO operator Liv changed the schedule",
    ):
        records = [*alike]
        records.insert(draw.randrange(size), odd)
        assert best(records) == odd


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1 << 32))
def test_what_the_question_names_is_found_exactly(seed: int) -> None:
    draw = Random(seed)
    keys = [str(uuid.UUID(int=draw.getrandbits(128), version=4)) for _ in range(140)]
    records = [f'"{key}": "{uuid.UUID(int=draw.getrandbits(128))}"' for key in keys]
    asked = draw.randrange(140)
    assert best(records, f"What is the value of {keys[asked]}?") == records[asked]


def test_the_deepest_cause_is_best() -> None:
    frames = [f"\tat org.example.depot.Stock{n}.run(Stock.java:{n})" for n in range(9)]
    first, deepest = (
        "Caused by: a.b.ValidateException: checksum",
        "Caused by: c.SqlException: logon",
    )
    records = ["a.b.StartException: could not start", *frames, first, *frames, deepest, *frames]
    assert best(records) == deepest
    assert best(records, "What is the root cause of the failed start?") == deepest
