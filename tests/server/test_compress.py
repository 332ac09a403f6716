"""``/v1/compress``, and what the server counts of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from edgelingua.integrations.server.savings import MOST, Savings
from tests.conftest import DOCUMENT
from tests.server.conftest import NAME, Running

TEXT = DOCUMENT.read_text(encoding="utf-8")[:6000]
QUESTION = "Which city had a devastating fire?"
ASKED = {"text": TEXT, "question": QUESTION, "rate": 0.1}


def compress(server: Running, body: object) -> httpx.Response:
    return httpx.post(f"{server.url}/v1/compress", json=body, timeout=120)


@pytest.mark.llama
def test_a_text_is_compressed_within_its_budget(server: Running) -> None:
    found = compress(server, ASKED | {"pin": ["Chicago"]}).json()
    assert found["object"] == "compression"
    assert found["tokens_after"] <= 0.1 * found["tokens_before"]
    assert "Boston" in found["text"]
    assert "Chicago" in found["text"]
    assert found["text"].endswith(QUESTION)
    assert "explanation" not in found
    plain = compress(server, {"text": TEXT, "rate": 0.1}).json()
    assert QUESTION not in plain["text"]
    fewer = compress(server, ASKED | {"rate": None, "tokens": 50, "model": NAME}).json()
    assert fewer["tokens_after"] <= 50


BAD: dict[str, tuple[object, int, str]] = {
    "a list": ([], 400, "body"),
    "no text": ({"question": QUESTION, "rate": 0.5}, 400, "text"),
    "a text of a wrong type": (ASKED | {"text": ["a"]}, 400, "text"),
    "a blank text": (ASKED | {"text": " \n"}, 400, "text"),
    "NUL": (ASKED | {"text": "a\0b"}, 400, "text"),
    "no budget": ({"text": TEXT, "question": QUESTION}, 400, "rate"),
    "two budgets": (ASKED | {"tokens": 5}, 400, "rate"),
    "a rate of nothing": (ASKED | {"rate": 0}, 400, "rate"),
    "a rate above one": (ASKED | {"rate": 1.5}, 400, "rate"),
    "no tokens": (ASKED | {"rate": None, "tokens": 0}, 400, "tokens"),
    "fewer tokens than the question": (ASKED | {"rate": None, "tokens": 2}, 400, "tokens"),
    "a pin that is not there": (ASKED | {"pin": "XK-4471"}, 400, "pin"),
    "an unknown field": (ASKED | {"ratio": 2}, 400, "ratio"),
    "another model": (ASKED | {"model": "gpt-5"}, 404, "model"),
}


@pytest.mark.llama
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_answered_in_openais_form(server: Running, name: str) -> None:
    body, status, param = BAD[name]
    response = compress(server, body)
    assert response.status_code == status
    error = response.json()["error"]
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"


@pytest.mark.llama
def test_answers_and_compressions_are_counted(server: Running) -> None:
    def row() -> dict[str, Any]:
        rows = httpx.get(f"{server.url}/v1/savings").json()["data"]
        return rows[0] if rows else dict.fromkeys(Savings().row("").__dict__, 0)

    before = row()
    left = compress(server, ASKED).json()
    hello = {"model": NAME, "max_tokens": 2, "messages": [{"role": "user", "content": "Hello"}]}
    asked = httpx.post(f"{server.url}/v1/chat/completions", json=hello, timeout=120)
    usage = asked.json()["usage"]
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    after = row()
    grown = {name: after[name] - before[name] for name in before if name.startswith("tokens_")}
    assert grown["tokens_left_out"] == left["tokens_before"] - left["tokens_after"]
    assert grown["tokens_cached"] == cached
    assert grown["tokens_read"] == usage["prompt_tokens"] - cached
    assert grown["tokens_written"] == usage["completion_tokens"]
    assert (after["answers"], after["compressions"]) == (
        before["answers"] + 1,
        before["compressions"] + 1,
    )


def test_savings_are_of_days_and_models_and_do_not_grow_for_ever() -> None:
    day = ["2026-12-01"]
    savings = Savings(lambda: day[0])
    savings.row("b").compressed(10, 1.0)
    savings.row("a").compressed(5, 1.0)
    day[0] = "2026-12-02"
    savings.row("b").compressed(7, 1.0)
    savings.row("b").compressed(7, 1.0)
    found = [(row["day"], row["model"], row["tokens_left_out"]) for row in savings.listed()]
    assert found == [("2026-12-02", "b", 14), ("2026-12-01", "a", 5), ("2026-12-01", "b", 10)]
    for number in range(2 * MOST):
        savings.row(str(number)).compressed(1, 1.0)
    assert len(savings.listed()) == MOST


def test_time_saved_is_known_only_with_the_speed() -> None:
    row = Savings().row("a")
    row.compressed(1000, 2.0)
    assert row.seconds_saved is None
    row.tokens_timed, row.seconds_timed = 100, 1.0
    assert row.seconds_saved == pytest.approx(1000 / 100 - 2.0)
