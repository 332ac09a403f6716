"""``/v1/compress``, and what the server counts of it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from edgelingua.errors import StateError
from edgelingua.integrations.server.savings import MOST, Saved, Savings
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
    assert QUESTION not in found["text"]
    assert "explanation" not in found
    assert compress(server, {"text": TEXT, "rate": 0.1}).json()["tokens_after"] > 0
    for budget in ({"rate": None, "tokens": 50}, {"rate": 0.5, "tokens": 50}):
        fewer = compress(server, ASKED | budget | {"model": NAME}).json()
        assert fewer["tokens_after"] <= 50


BAD: dict[str, tuple[object, int, str]] = {
    "a list": ([], 400, "body"),
    "no text": ({"question": QUESTION, "rate": 0.5}, 400, "text"),
    "a text of a wrong type": (ASKED | {"text": ["a"]}, 400, "text"),
    "a blank text": (ASKED | {"text": " \n"}, 400, "text"),
    "NUL": (ASKED | {"text": "a\0b"}, 400, "text"),
    "no budget": ({"text": TEXT, "question": QUESTION}, 400, "rate"),
    "a rate of nothing": (ASKED | {"rate": 0}, 400, "rate"),
    "a rate above one": (ASKED | {"rate": 1.5}, 400, "rate"),
    "no tokens": (ASKED | {"rate": None, "tokens": 0}, 400, "tokens"),
    "fewer tokens than a pin": (
        ASKED | {"rate": None, "tokens": 2, "pin": TEXT[:80]},
        400,
        "tokens",
    ),
    "a pin that is not there": (ASKED | {"pin": "XK-4471"}, 400, "pin"),
    "an unknown field": (ASKED | {"ratio": 2}, 400, "ratio"),
    "no question": ({"text": TEXT, "question": None, "model": None}, 400, "rate"),
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
        return rows[0] if rows else asdict(Saved())

    before = row()
    compress(server, ASKED | {"preview": True})
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


@pytest.mark.llama
def test_json_still_parses(server: Running) -> None:
    rows = [{"city": city, "fires": n, "note": "Of no importance. " * 9} for n, city in CITIES]
    asked = {"text": json.dumps(rows, indent=1), "question": "Fires in Boston?", "rate": 0.5}
    found = compress(server, asked).json()
    assert found["tokens_after"] < found["tokens_before"]
    assert "Boston" in str(json.loads(found["text"]))


CITIES = list(enumerate(("Boston", "Chicago", "Geneva", "Washington")))


def test_savings_are_of_days_and_models_and_stay(tmp_path: Path) -> None:
    day = ["2026-12-01"]
    savings = Savings(tmp_path, lambda: day[0])
    savings.add("b", Saved(tokens_left_out=10))
    savings.add("a", Saved(tokens_left_out=5))
    day[0] = "2026-12-02"
    savings.add("b", Saved(tokens_left_out=7, seconds_compressing=0.5))
    savings.close()
    savings, other = Savings(tmp_path, lambda: day[0]), Savings(tmp_path, lambda: day[0])
    other.add("b", Saved(tokens_left_out=7, seconds_compressing=0.25))
    found = [(row["day"], row["model"], row["tokens_left_out"]) for row in savings.listed()]
    assert found == [("2026-12-02", "b", 14), ("2026-12-01", "a", 5), ("2026-12-01", "b", 10)]
    assert savings.listed()[0]["seconds_compressing"] == 0.75
    other.close()
    savings.close()


def test_savings_do_not_grow_for_ever() -> None:
    savings = Savings(today=lambda: "2026-12-01")
    for number in range(MOST + 50):
        savings.add(str(number) * 100, Saved(tokens_left_out=1))
    assert len(savings.listed()) == MOST
    assert max(len(row["model"]) for row in savings.listed()) == 200


def test_savings_are_of_any_name_that_json_can_hold() -> None:
    savings = Savings()
    savings.add("m\ud800", Saved(answers=1))
    savings.add("m\0", Saved(answers=1))
    assert [row["answers"] for row in savings.listed()] == [1, 1]


def test_a_file_that_is_none_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "savings.sqlite").write_text("This is no database. " * 99)
    with pytest.raises(StateError, match="savings"):
        Savings(tmp_path)


def test_time_saved_is_known_only_with_the_speed() -> None:
    saved = Saved(tokens_left_out=1000, seconds_compressing=2.0)
    assert saved.seconds_saved is None
    timed = replace(saved, tokens_timed=100, seconds_timed=1.0)
    assert timed.seconds_saved == pytest.approx(1000 / 100 - 2.0)
