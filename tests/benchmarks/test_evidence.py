"""The pages of the published tasks and of the peers say what their rows say."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.common import jsonl
from benchmarks.peers import run as peers
from benchmarks.quality.sets import Case
from benchmarks.seeds import tables

from edgelingua.text.boundaries import count_words


def answer(method: str, rate: float, right: list[float], group: str = "01") -> dict[str, Any]:
    cases = list(range(len(right)))
    where = {"reader": "r", "task": "nq-20", "group": group, "method": method, "rate": rate}
    return {**where, "cases": cases, "right": right, "tokens": [9] * len(right)}


def test_places_stand_in_columns_and_the_interval_is_of_pairs() -> None:
    told = [
        answer("whole", 1.0, [1, 0, 1, 0]),
        answer("mini-question", 0.25, [1, 1, 1, 0]),
        answer("whole", 1.0, [0, 0, 0, 0], "05"),
        answer("mini-question", 0.25, [1, 1, 1, 1], "05"),
    ]
    page = tables.page([], told)
    assert "| no compression | – | 1 | 50 | 0 |  |  |  | 25 (+0 to +0) |" in page
    [line] = [line for line in page.splitlines() if line.startswith("| edgelingua-mini")]
    assert "| yes | 0.25 | 75 | 100 |" in line
    assert "88 (+" in line


def test_what_was_kept_is_a_mean_by_rate() -> None:
    figures = {"numbers": [1, 0.5, 0.2, 0.1, 0], "steps": [1, 0, 0, 0, 0], "tokens": [5] * 5}
    row = {"task": "gsm8k", "group": "p", "case": 0, "tokens_in": 9, "method": "truncate"}
    page = tables.page([{**row, **figures}], [])
    assert "| truncation | – | 1 | 100 / 100 | 50 / 0 | 20 / 0 | 10 / 0 | 0 / 0 |" in page


def test_answers_that_stay_stand_by_place() -> None:
    row = {"task": "nq-20", "tokens_in": 9, "tokens": [5, 2], "method": "bm25"}
    kept = [
        {**row, "group": f"{place:02}", "case": n, "answer": [1, n % 2]}
        for place in (1, 5, 10, 15, 20)
        for n in range(2)
    ]
    page = tables.page(kept, [])
    assert "n = 2 each" in page
    assert "| BM25 sentences | yes | 0.25 | 50 | 50 | 50 | 50 | 50 | 50 [" in page


def test_a_peer_is_counted_by_what_it_really_kept() -> None:
    case = Case("Who?", ("Ida Brandt took the fee.", "It rained."), ("Ida Brandt",))
    assert peers.measured(case, "Ida Brandt fee", count_words) == {
        "answer": 1,
        "share": pytest.approx(3 / 9, abs=1e-3),
    }
    assert peers.measured(case, "Brandt took", count_words)["answer"] == 0


def test_the_page_of_peers_has_them_and_those_that_did_not_run() -> None:
    rows = [
        {"set": "squad", "method": m, "case": n, "answer": n % 2, "share": 0.2, "cpu": 0.01}
        for m in ("litellm", "mini-question", "context-shift")
        for n in range(6)
    ]
    page = peers.page(rows, [{"name": "x", "why": "hosted", "figure": "9", "source": "y"}])
    assert "| LiteLLM's compress | yes | 50 [" in page
    assert "squad, n = 6" in page
    assert "| x | hosted | 9 | y |" in page


def test_the_pages_are_those_of_the_rows() -> None:
    kept, told = (jsonl.read(tables.HERE / f"{name}.jsonl") for name in ("kept", "answers"))
    assert (tables.HERE / "seeds.md").read_text("utf-8") == tables.page(kept, told)
