"""Models with sliding windows, models without a cache to cap, caches in MB and other numbers."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray
from transformers import LlamaForCausalLM

from edgelingua.errors import CapError, PolicyError, ReaderError, RoughCacheWarning
from edgelingua.kv import blob
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import H2O, KeyDiff, SnapKV, Streaming
from edgelingua.llama import cache_check
from edgelingua.llama.engine import LlamaEngine
from edgelingua.llama.library import buffers
from edgelingua.llama.model import LlamaModel, Sampling
from edgelingua.system.measure import rss_mb
from tests import tiny_gguf


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> LlamaModel:
    path = tmp_path_factory.mktemp("gemma") / "gemma.gguf"
    return LlamaModel(tiny_gguf.write_gemma(path), threads=1)


def some_tokens(n: int, seed: int = 0) -> NDArray[np.int32]:
    return np.random.default_rng(seed).integers(0, 300, n).astype(np.int32)


def test_a_sliding_window_is_never_evicted(gemma: LlamaModel) -> None:
    assert gemma.window == 16
    session = gemma.session(40, KeyDiff(recent=2), cache=CacheOptions(flash_attention=False))
    for seed in range(5):
        session.feed(some_tokens(70, seed))
        positions = session.cells.positions
        assert len(positions) <= 40
        last = int(positions[-1])
        assert set(range(last - 15, last + 1)) <= set(positions.tolist())
    assert isinstance(session.engine, LlamaEngine)
    layers = [len(part.keys) for part in blob.parse(session.engine.state())]
    assert layers == [1, 5], "the global layer first: its keys are the policy's"
    fork = session.fork()
    for one in (session, fork):
        one.feed(some_tokens(10, 9))
    np.testing.assert_allclose(fork.logits(), session.logits(), atol=1e-2)


def test_a_sliding_window_goes_on_past_the_trained_length(gemma: LlamaModel) -> None:
    session = gemma.session(64)
    for seed in range(12):  # 840 tokens; the model knows 512 positions
        session.feed(some_tokens(70, seed))
        assert session.statistics.used <= 64
    assert session.cells.positions[-1] < 512
    assert np.isfinite(session.logits()).all()


def test_what_a_sliding_window_does_not_allow(gemma: LlamaModel) -> None:
    for policy in (SnapKV(), H2O()):
        with pytest.raises(PolicyError, match="sliding-window layers have an attention of their"):
            gemma.session(64, policy)
    session = gemma.session(18)
    with pytest.raises(
        CapError, match=r"20 tokens are pinned or .* or in the model's sliding window of 16"
    ):
        session.feed(some_tokens(40))


def test_layers_with_other_heads_have_no_keys_to_compare(tmp_path: Path) -> None:
    model = LlamaModel(tiny_gguf.write_uneven(tmp_path / "uneven.gguf"), threads=1)
    assert not model.plain_keys
    session = model.session(48)
    assert session.policy == Streaming()
    session.feed(some_tokens(100))
    assert session.statistics.used <= 48
    with pytest.raises(PolicyError, match="do not all keep keys and values of the same heads"):
        model.session(48, KeyDiff())


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (tiny_gguf.write_mamba, "is recurrent"),
        (tiny_gguf.write_hybrid, "is partly recurrent"),
        (tiny_gguf.write_bert, "reads in both directions"),
    ],
)
def test_models_without_a_plain_cache_are_refused(
    write: Callable[[Path], Path],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write(tmp_path / "model.gguf")
    with pytest.raises(ReaderError, match=f"this model {reason}; only decoders"):
        LlamaModel(path)
    if write is tiny_gguf.write_bert:  # also where the file does not say so
        monkeypatch.setattr(LlamaModel, "_refuse_uncappable", lambda _: None)
        with pytest.raises(ReaderError, match="has no KV cache"):
            LlamaModel(path).session(64)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("block_count", 0, "block_count 0: expected 1 to 512"),
        ("block_count", 513, "block_count 513: expected 1 to 512"),
        ("context_length", 2**32 - 1, "context_length 4294967295: expected 1 to"),
        ("attention.sliding_window", 2**31, "sliding_window 2147483648: expected 0 to"),
        ("attention.layer_norm_rms_epsilon", -1.0, r"epsilon -1\.0: expected 0 or more"),
        ("attention.layer_norm_rms_epsilon", np.nan, "epsilon nan: expected 0 or more"),
        ("block_count", 512, "llama.cpp cannot load it"),
    ],
)
def test_numbers_over_which_llama_cpp_would_end_the_process(
    key: str, value: float, message: str, tmp_path: Path
) -> None:
    path = tiny_gguf.write_gemma(tmp_path / "damaged.gguf")
    gguf.GGUFReader(path, "r+").fields[f"gemma3.{key}"].parts[-1][0] = value
    with pytest.raises(ReaderError, match=message) as caught:
        LlamaModel(path, threads=1)
    assert str(path) in str(caught.value)


def test_caps_in_megabytes(tiny_reader: LlamaModel, reader: LlamaModel) -> None:
    # 3 layers, keys and values, 2 heads of 64 numbers in two bytes
    assert tiny_reader.cell_bytes(CacheOptions()) == 3 * 2 * 128 * 2
    assert tiny_reader.cell_bytes(CacheOptions(keys="q8_0", values="q4_0")) == 3 * (136 + 72)
    assert reader.cell_bytes(CacheOptions()) == 23040  # 22.5 KiB
    assert reader.cap_of(20) == 768
    assert reader.cap_of(20, CacheOptions(keys="q8_0", values="q8_0")) == 1536
    assert reader.cap_of(10_000) == reader.trained_length
    for wrong in (5, 0, -1, float("nan")):
        with pytest.raises(CapError, match=r"expected at least 5\.9"):
            reader.cap_of(wrong)
    session = tiny_reader.session(64)
    session.feed(some_tokens(50))
    assert isinstance(session.engine, LlamaEngine)
    (part,) = blob.parse(session.engine.state())
    rows = [*part.keys, *part.values]
    assert sum(row.raw.shape[1] for row in rows) == tiny_reader.cell_bytes(CacheOptions())


@pytest.mark.parametrize("types", [("q8_0", "q8_0"), ("q4_0", "f16"), ("f16", "q4_0")])
def test_quantized_caches_go_on_past_the_trained_length(
    types: tuple[str, str], tiny_reader: LlamaModel
) -> None:
    keys, values = types
    cache = CacheOptions(keys=keys, values=values)  # type: ignore[arg-type]
    session = tiny_reader.session(64, cache=cache)
    for seed in range(9):
        session.feed(some_tokens(70, seed))
    assert session.cells.positions[-1] < 512
    sampler = tiny_reader.sampler(session, Sampling())
    assert len(list(session.generate(sampler, 9, frozenset()))) == 9


def test_quantized_keys_that_llama_cpp_cannot_move(
    tiny_llama: LlamaForCausalLM, tmp_path: Path
) -> None:
    """Moving them crashes the process in this release: heads of 32 numbers."""
    config = copy.deepcopy(tiny_llama.config)
    config.hidden_size, config.head_dim = 128, 32
    model = LlamaModel(
        tiny_gguf.write(LlamaForCausalLM(config), tmp_path / "small.gguf"), threads=1
    )
    session = model.session(64, cache=CacheOptions(keys="q8_0"))
    with pytest.raises(CapError, match="cached tokens cannot be moved"):
        session.feed(some_tokens(600))
    assert np.isfinite(session.logits()).all()


def test_where_the_memory_goes(gguf: Path) -> None:
    model = LlamaModel(gguf, threads=1)
    small, large = model.session(256), model.session(1024)
    allocated = buffers("KV")  # as llama.cpp says of the last context
    assert sum(allocated.values()) == large.engine.cache_bytes
    small.feed(model.tokenize("Where does it all go?"))
    memory = small.memory
    assert memory.weights == pytest.approx(model.weights_mb, rel=0.05)
    assert memory.cache == pytest.approx(256 * 23040 / 1e6)
    assert large.memory.cache == pytest.approx(4 * memory.cache)
    assert 1 < memory.compute < 60
    assert "Python and the rest" in str(memory)


MEASURE = """
import json, sys, numpy as np
from edgelingua.llama import LlamaModel
from edgelingua.system.measure import rss_mb
before = rss_mb()
session = LlamaModel(sys.argv[1], threads=1).session(512)
session.feed(np.arange(600, dtype=np.int32))  # what has not been used takes no memory
print(json.dumps([before, session.memory.python]))
"""


@pytest.mark.skipif(rss_mb() is None, reason="needs to know the memory of a process")
def test_the_rest_of_the_memory_is_what_was_there_before_the_model(gguf: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(gguf)], capture_output=True, text=True, check=True
    )
    before, rest = json.loads(done.stdout)
    assert rest == pytest.approx(before, rel=0.15)


def test_logits_that_are_not_numbers(
    tiny_reader: LlamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = tiny_reader.session(64)
    session.feed(some_tokens(9))
    assert isinstance(session.engine, LlamaEngine)
    session.engine._restored = np.full(300, np.nan, dtype=np.float32)
    with pytest.raises(ReaderError, match="the logits are not numbers"):
        session.logits()
    with pytest.raises(ReaderError, match="the logits are not numbers"):
        list(session.generate(tiny_reader.sampler(session, Sampling()), 3, frozenset()))
    session.engine.predicts_all = True
    session.feed(some_tokens(3))
    session.engine._predicted[0][1, 7] = np.nan  # amid rows that are all right
    with pytest.raises(ReaderError, match="the logits are not numbers"):
        session.engine.take_logits()


def test_a_model_that_does_not_stand_a_quantized_cache_is_warned_of(
    gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = LlamaModel(gguf, threads=1)
    q4 = CacheOptions(keys="q4_0", values="q4_0")
    assert 0.005 < cache_check.divergence(model, q4) < cache_check.TOLERATED
    monkeypatch.setattr(cache_check, "TOLERATED", 0.0)
    with pytest.warns(RoughCacheWarning, match="q4_0/q4_0 predicts something else than in f16"):
        model.session(64, cache=q4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.session(64, cache=q4)  # once is enough
        model.session(64)


def test_a_quantized_cache_is_tried_in_small_chunks_too(gguf: Path) -> None:
    model = LlamaModel(gguf, threads=1)
    session = model.session(64, cache=CacheOptions(keys="q8_0", chunk=8))
    session.feed(model.tokenize("Eight tokens at a time, and there are more than eight of them."))
    assert session.engine.chunk == 8


def test_a_model_without_a_tokenizer_says_so(tiny_reader: LlamaModel) -> None:
    with pytest.raises(ReaderError, match="has no tokenizer"):
        tiny_reader.tokenize("text")
