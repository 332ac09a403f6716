"""Saved chats that were damaged or forged; `benchmarks.reliability.mutations` tries more."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgelingua.llama.model import LlamaModel
from tests.mutations import try_many


@pytest.mark.slow
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_what_a_file_says_it_is_taken_or_refused(reader: LlamaModel, tmp_path: Path) -> None:
    outcome = try_many(reader, tmp_path, range(150))
    assert all(counts["refused"] for counts in outcome.values())
    assert outcome["state"]["taken"], "nothing was taken up and gone on with"
