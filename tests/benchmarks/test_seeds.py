"""The published tasks: what counts as a number, a step, an answer; each context compressed once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.quality.methods import CONTENDERS
from benchmarks.seeds import run
from benchmarks.seeds.judge import number_in, right, steps
from benchmarks.seeds.rouge import rouge_l
from benchmarks.seeds.tasks import TASKS, Case
from hypothesis import given
from hypothesis import strategies as st

from edgelingua import Budget, Prompt, load_compressor
from edgelingua.text.boundaries import count_words

CHAIN = "Q: How many?\nShe has 3 x 4 = 12 eggs.\nThey are white.\nThe answer is 1,200.5"
CASE = Case("gsm8k", "one", 0, (CHAIN,), "How many hens?", "Q: How many hens?", ("1200.5",))


def test_steps_are_lines_with_numbers() -> None:
    text = [[CHAIN[a:b] for a, b in line] for line in steps(CHAIN)]
    assert text == [["3", "4", "12"], ["1,200.5"]]


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("so 3 + 4 = 7. The answer is $1,200.50.", "1200.50"),
        ("3 + 4 = 7", "7"),
        ("The answer is 7, not 8", "7"),
        ("none", ""),
    ],
)
def test_the_number_that_is_meant(said: str, number: str) -> None:
    assert number_in(said) == number


def test_answers_are_judged_as_their_task_asks() -> None:
    assert right(replace(CASE, judge="number"), "The answer is 1,200.50.") == 1
    assert right(replace(CASE, judge="number"), "The answer is 1200") == 0
    assert right(replace(CASE, judge="number"), "nothing") == 0
    choice = replace(CASE, judge="choice", answers=("(B)",))
    assert right(choice, "So the answer is (B).") == 1
    assert right(choice, "(B) or so. So the answer is (A).") == 0
    assert right(choice, "Bob is first, so he") == 0
    first = replace(choice, answers=("(A)",))
    assert right(first, "So the answer is (A).") == 1
    assert right(first, "So the answer is (B).") == right(first, "Let's see") == 0
    assert right(replace(choice, answers=("valid",)), "The answer is invalid.") == 0
    assert (
        right(replace(CASE, judge="contains", answers=("Ida Brandt",)), "ida brandt took it") == 1
    )
    chinese = replace(CASE, judge="f1", answers=("二十三",))
    assert right(chinese, "二十三") == 1
    assert 0 < right(chinese, "是二十三人") < 1


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
def test_rouge_is_a_share_and_sees_both_sides(one: list[str], other: list[str]) -> None:
    a, b = " ".join(one), " ".join(other)
    assert 0 <= rouge_l(a, b) <= 1
    assert rouge_l(a, b) == pytest.approx(rouge_l(b, a))
    assert rouge_l(a, a) == 1


def test_what_stays_of_a_chain_is_counted_by_place() -> None:
    prompt = Prompt.build((CHAIN,))
    pruner = load_compressor("truncate")
    whole, less = (pruner.compress(prompt, Budget(tokens=n, count=count_words)) for n in (100, 12))
    row = run.measured(CASE, [whole, less], [whole.text, less.text])
    assert row["numbers"][0] == row["steps"][0] == 1
    assert row["numbers"][1] < 1
    assert row["steps"] == [1.0, 0.5]
    assert np.less_equal(row["tokens"][1], row["tokens"][0])


def test_who_sees_no_question_compresses_a_context_once() -> None:
    cases = [replace(CASE, number=n, question=str(n)) for n in range(3)]
    assert [case.number for case in run.once(cases, "mini")] == [0]
    assert [case.number for case in run.once(cases, "bm25")] == [0, 1, 2]


def test_passages_are_there_whole_and_reordered() -> None:
    case = Case(
        "nq-20",
        "01",
        0,
        ("It rained.", "Nobody came.", "Ida took the fee."),
        "Who took the fee?",
        "",
    )
    rows = {row["method"]: row["texts"][0] for row in run.uncompressed([case])}
    assert rows["whole"].startswith("It rained.")
    assert rows["reordered"].startswith("Ida took")


def test_every_task_names_methods_of_the_comparison() -> None:
    for task in TASKS.values():
        assert set(task.methods) <= set(CONTENDERS)
        assert list(task.rates) == sorted(task.rates, reverse=True)
