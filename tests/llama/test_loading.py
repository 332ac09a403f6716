"""What of a model's file stays in memory, and that nothing else depends on it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgelingua.llama import loading, trial_model
from edgelingua.llama.model import LlamaModel
from edgelingua.system.measure import mapped_rss

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="pages are given back on Linux only")


def read(model: LlamaModel) -> NDArray[np.float32]:
    session = model.session(64)
    session.feed(np.arange(40, dtype=np.int32))
    return session.logits()


@on_linux
@pytest.mark.parametrize("name", ["plain.gguf", "with spaces (and ünïcode).gguf"])
def test_pages_that_weights_were_copied_from_are_given_back(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    trial_model.write(path)
    ours = LlamaModel(path, threads=1)
    _, copied = loading.mapped_and_copied(ours._buffers)
    if not copied:
        pytest.skip("this build rearranges nothing on this CPU")
    assert mapped_rss(path) == 0
    assert ours.weight_bytes == copied
    assert "given back" in ours.how_loaded
    logits = read(ours)
    resident = mapped_rss(path) or 0
    assert 0 < resident < path.stat().st_size, "what was copied does not come back"
    del ours
    with monkeypatch.context() as patched:
        patched.setattr(loading._Pages, "give_back", lambda _: None)
        theirs = LlamaModel(path, threads=1)
    assert (mapped_rss(path) or 0) > resident
    np.testing.assert_array_equal(read(theirs), logits)


@on_linux
def test_a_model_in_use_stands_that_another_one_of_its_file_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    trial_model.write(path)
    first = LlamaModel(path, threads=1)
    before = read(first)
    second = LlamaModel(path, threads=1)
    np.testing.assert_array_equal(read(first), before)
    np.testing.assert_array_equal(read(second), before)


@on_linux
def test_pages_of_weights_used_as_they_are_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.gguf"
    trial_model.write(path)
    monkeypatch.setattr(loading, "may_rearrange", lambda: False)
    model = LlamaModel(path, threads=1)
    assert loading.mapped_and_copied(model._buffers)[1] == 0
    assert (mapped_rss(path) or 0) > 0.9 * path.stat().st_size
    assert model.how_loaded.endswith("used as they are")


def test_where_the_system_does_not_tell_its_pages_a_model_loads_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.gguf"
    trial_model.write(path)
    expected = read(LlamaModel(path, threads=1))
    for place in (tmp_path / "missing", Path("/dev/null")):
        monkeypatch.setattr(loading, "_MAPS", place)
        np.testing.assert_array_equal(read(LlamaModel(path, threads=1)), expected)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"CPU": 3_000_000}, "3 MB in memory, none"),
        ({"CPU_Mapped": 7_000_000}, "7 MB mapped from the file, used"),
        ({"CPU_Mapped": 7_000_000, "CPU_REPACK": 4_000_000}, "4 MB copied"),
        ({"CPU_Mapped": 7_000_000, "AMX": 1_000_000, "CPU_REPACK": 3_000_000}, "4 MB copied"),
    ],
)
def test_it_is_said_in_words(sizes: dict[str, int], said: str) -> None:
    assert said in loading.explain(sizes)
