"""Random and damaged input, a share of what is run by hand (`fuzz`, `damaged_models`)."""

from __future__ import annotations

import pytest

from tests import damaged_models, fuzz


@pytest.mark.slow
def test_ten_thousand_texts_of_all_scripts() -> None:
    compressed, faults = fuzz.run(0, 10_000)
    assert not faults
    assert compressed > 5_000, "most are compressed, not refused"


def test_a_few_texts_of_all_scripts() -> None:
    compressed, faults = fuzz.run(10_000, 50)
    assert not faults
    assert compressed > 25


@pytest.mark.slow
@pytest.mark.parametrize("kind", [pytest.param("gguf", marks=pytest.mark.llama), "bundle"])
def test_damaged_files_run_or_are_refused(kind: str) -> None:
    found, faults = damaged_models.run(kind, 200)
    assert not faults
    assert found["ran"] + found["refused"] == 200
    assert min(found["ran"], found["refused"]) > 10
