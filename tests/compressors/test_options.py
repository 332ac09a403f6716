"""Compressors are values: other options make another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgelingua import Budget, Compressor, Prompt, load_compressor
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import Task
from edgelingua.compressors import METHODS, DocumentFilter
from edgelingua.compressors.parts.pruner import Pruner
from edgelingua.errors import InputError
from tests.conftest import DOCUMENT

LONG = DOCUMENT.read_text(encoding="utf-8")[:1200]


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest, bundles: dict[Task | None, Path | None]) -> Pruner:
    return load_compressor(request.param, bundles[METHODS[request.param].task])


def test_what_is_not_given_stays(method: Pruner) -> None:
    assert method.with_options() == method
    before, guard = method.rules, not method.rules.guard
    other = method.with_options(level="sentence", guard=guard, names=True)
    assert (other.rules.level, other.rules.guard, other.rules.names) == ("sentence", guard, True)
    assert other.rules.drop_consecutive == before.drop_consecutive
    assert method.rules == before
    assert type(other) is type(method)


def test_the_count_of_a_compressor_is_what_budgets_without_one_use(method: Pruner) -> None:
    by_characters: Compressor = method.with_options(count=len)
    assert by_characters.count is len
    assert method.count is not len
    compressed = by_characters.compress(Prompt.build(LONG, question="Who?"), Budget(tokens=300))
    assert compressed.tokens_in == len(LONG + "\n\nWho?")
    assert compressed.tokens_out == len(compressed.text) <= 300


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("llmlingua", {"threshold": 0.5}),
        ("longllmlingua", {"second_pass": True}),
        ("random", {"documents": DocumentFilter()}),
        ("random", {"second_pass": True}),
        ("random", {"threshold": float("nan")}),
        ("random", {"level": "chapter"}),
    ],
)
def test_an_option_that_a_method_cannot_use_is_refused(
    name: str, options: dict[str, Any], scorer_bundle: ModelBundle
) -> None:
    compressor = load_compressor(name, scorer_bundle.folder if METHODS[name].task else None)
    (option,) = options
    with pytest.raises(InputError, match=option.replace("_", "[_ ]")):
        compressor.with_options(**options)


def test_what_is_no_prompt_and_no_budget_is_told_how_to_be_one() -> None:
    compressor: Any = load_compressor("random")
    for prompt, budget in (("a text", Budget(rate=0.5)), (Prompt.build("a text"), 100)):
        with pytest.raises(InputError, match=r"Prompt.build\(text\) and Budget\(tokens=100\)"):
            compressor.compress(prompt, budget)
