"""A cache that never exceeds its cap, on the real engine."""

from __future__ import annotations

import ctypes
from pathlib import Path

import llama_cpp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgelingua.errors import CapError, ReaderError
from edgelingua.kv.engine import Adapter, Heard
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import Blocked, Streaming
from edgelingua.kv.session import Session
from edgelingua.kv.state import Cells, Signal, runs
from edgelingua.llama.engine import LlamaEngine
from edgelingua.llama.model import LlamaModel, Sampling
from tests.conftest import DOCUMENT
from tests.kv.counting import CountingEngine
from tests.plain_llama import plain_llama


@pytest.fixture(scope="module")
def tokens(reader: LlamaModel) -> NDArray[np.int32]:
    return reader.tokenize(DOCUMENT.read_text(encoding="utf-8"))


@given(
    cap=st.integers(2, 40),
    sinks=st.integers(0, 5),
    chunk=st.integers(1, 50),
    block=st.integers(1, 20),
    feeds=st.lists(
        st.lists(st.sampled_from([True, False, False, False, False, False]), max_size=120),
        max_size=8,
    ),
)
@settings(max_examples=300, deadline=None)
def test_the_cap_holds_whatever_is_fed(
    cap: int, sinks: int, chunk: int, block: int, feeds: list[list[bool]]
) -> None:
    engine = CountingEngine(cap, chunk)
    session = Session(engine, cap, Streaming(sinks), block=block)
    expected_pins: list[int] = []
    fed = 0
    for pins in feeds:
        identities = np.arange(fed, fed + len(pins), dtype=np.int32)
        before = (engine.fed, list(engine.positions))
        try:
            session.feed(identities, np.asarray(pins, dtype=bool))
        except CapError as error:
            assert "too small" in str(error)
            locked = {*range(sinks), *expected_pins}
            locked |= {fed + i for i, pinned in enumerate(pins) if pinned}
            assert len(locked) + 2 > cap, "refused without need"
            assert (engine.fed, engine.positions) == before, "refused, yet something was read"
            break
        fed += len(pins)
        expected_pins += [int(i) for i, pinned in zip(identities, pins, strict=True) if pinned]
        cells = session.cells
        assert engine.positions == cells.positions.tolist()
        assert cells.tokens[cells.pinned].tolist() == expected_pins, "a pinned token was evicted"
        assert cells.tokens.tolist() == sorted(cells.tokens.tolist())
        if fed:
            assert cells.tokens[-1] == fed - 1
            first = min(sinks, len(cells))
            assert cells.tokens[:first].tolist() == list(range(first))
        statistics = session.statistics
        assert statistics.used + statistics.evicted == fed
        assert statistics.peak <= cap


def test_streaming_is_sinks_and_a_window() -> None:
    session = Session(CountingEngine(20, 1), 20, Streaming(sinks=4))
    session.feed(np.arange(200, dtype=np.int32))
    assert session.cells.tokens.tolist() == [0, 1, 2, 3, *range(184, 200)]


def test_blocks_leave_the_cache_alone_in_between() -> None:
    session = Session(CountingEngine(40), 40, Blocked(Streaming(sinks=4), size=16))
    used = []
    for token in range(200):
        session.feed(np.asarray([token], dtype=np.int32))
        used.append(session.statistics.used)
    assert used[:40] == list(range(1, 41))
    assert used[40:] == [*range(25, 41)] * 10
    own = Session(CountingEngine(40), 40, Blocked(Streaming(), size=16), block=4)
    own.feed(np.arange(41, dtype=np.int32))
    assert own.statistics.used == 37, "what the session is told counts"


def test_runs_and_compaction() -> None:
    assert runs(np.asarray([], dtype=np.int64)) == []
    assert runs(np.asarray([0, 1, 4, 6, 7])) == [(0, 2), (4, 5), (6, 8)]
    cells = Cells().appended(np.arange(8, dtype=np.int32))
    cells = cells.without(np.asarray([0, 0, 1, 1, 0, 1, 0, 0], dtype=bool))
    assert cells.moves() == [(4, 5, -2), (6, 8, -3)]
    assert cells.compacted().positions.tolist() == [0, 1, 2, 3, 4]


def test_a_view_cannot_be_written() -> None:
    cells = Cells().appended(np.arange(3, dtype=np.int32))
    with pytest.raises(ValueError, match="read-only"):
        cells.view().pinned[0] = True


def plain_logits(gguf: Path, tokens: NDArray[np.int32], chunk: int) -> NDArray[np.float32]:
    """Logits of plain llama.cpp through its own high-level class."""
    plain = plain_llama(gguf, n_ctx=1024, n_batch=chunk, n_ubatch=chunk)
    plain.eval(tokens.tolist())
    pointer = llama_cpp.llama_get_logits_ith(plain.ctx, -1)
    return np.ctypeslib.as_array(pointer, (plain.n_vocab(),)).copy()


@pytest.mark.parametrize("chunk", [32, 128])
def test_with_room_for_everything_logits_are_those_of_plain_llama_cpp(
    reader: LlamaModel, gguf: Path, tokens: NDArray[np.int32], chunk: int
) -> None:
    session = reader.session(1024, cache=CacheOptions(chunk=chunk))
    session.feed(tokens[:200])
    np.testing.assert_allclose(session.logits(), plain_logits(gguf, tokens[:200], chunk), atol=1e-4)


def test_the_engine_holds_the_cells_that_the_session_says(
    reader: LlamaModel, tokens: NDArray[np.int32]
) -> None:
    """Read back from llama.cpp's own state: header of four words, then three a cell."""
    session = reader.session(64, Streaming())
    session.feed(tokens[:300])
    cells = session.cells
    assert len(cells) == session.statistics.peak == 64
    context = session.engine._context  # type: ignore[attr-defined]
    blob = (ctypes.c_uint8 * llama_cpp.llama_state_seq_get_size(context, 0))()
    llama_cpp.llama_state_seq_get_data(context, blob, len(blob), 0)
    words = np.frombuffer(bytes(blob[: 16 + 12 * len(cells)]), dtype=np.uint32)
    assert words[3] == len(cells)
    positions = sorted(words[4:].reshape(-1, 3)[:, 0].tolist())
    assert positions == cells.positions.tolist() == [0, 1, 2, 3, *range(240, 300)]


def test_prompt_and_reply_go_on_past_the_trained_length(
    reader: LlamaModel, tokens: NDArray[np.int32]
) -> None:
    session = reader.session(96, Streaming())
    length = reader.trained_length
    # Straight to the end of what the model was trained for, without reading 8,192 tokens.
    session.feed(tokens[:90])
    session._cells.positions[4:] += length - 100
    engine = session.engine
    engine.shift(4, 90, length - 100)
    session.feed(tokens[90:200])
    assert session.cells.positions[-1] < 200, "positions were not closed up"
    assert len(session.cells) <= 96
    assert np.isfinite(session.logits()).all()
    sampler = reader.sampler(session, Sampling())
    assert len(list(session.generate(sampler, 20, frozenset()))) == 20


def test_generation_of_any_length_stays_below_the_cap(
    reader: LlamaModel, tokens: NDArray[np.int32]
) -> None:
    session = reader.session(48)
    session.feed(tokens[:20], pinned=True)
    sampler = reader.sampler(session, Sampling(temperature=1.0, seed=3))
    for _ in session.generate(sampler, 150, frozenset()):
        assert session.statistics.used <= 48
    assert session.cells.tokens[:20].tolist() == tokens[:20].tolist()
    assert session.statistics.evicted > 100


def test_a_prompt_is_read_with_most_of_the_window_in_sight() -> None:
    """Whatever the chunk: a step evicts as much as it reads, before it reads."""
    seen: list[int] = []

    class Watching(CountingEngine):
        def decode(
            self,
            tokens: NDArray[np.int32] | NDArray[np.float32],
            first_position: int,
            listen: frozenset[Signal] = frozenset(),
            adapter: Adapter | None = None,
        ) -> Heard:
            seen.append(len(self.positions))
            return super().decode(tokens, first_position)

    for cap, pinned in ((128, 0), (96, 20), (250, 200)):
        session = Session(Watching(cap, 128), cap, Streaming())
        session.feed(np.arange(pinned, dtype=np.int32), pinned=True)
        session.feed(np.arange(600, dtype=np.int32))
        full = seen[seen.index(max(seen)) :]
        assert min(full) >= cap - (cap - pinned) // 4 - 1
        seen.clear()


@pytest.mark.parametrize("cap", [0, 1, -3, -300, 8193, 1_000_000])
def test_caps_that_cannot_be(reader: LlamaModel, cap: int) -> None:
    with pytest.raises(CapError, match="expected 2 to 8192"):
        reader.session(cap)


def test_a_cap_too_small_for_what_is_pinned(reader: LlamaModel, tokens: NDArray[np.int32]) -> None:
    session = reader.session(32)
    pins = np.zeros(100, dtype=bool)
    pins[50:90] = True
    with pytest.raises(CapError, match=r"44 tokens are pinned .* at least 46 cells"):
        session.feed(tokens[:100], pins)
    assert session.statistics.used == 0


def test_sampling_is_repeatable_and_greedy_at_zero(
    reader: LlamaModel, tokens: NDArray[np.int32]
) -> None:
    def reply(sampling: Sampling) -> list[int]:
        session = reader.session(128)
        session.feed(tokens[:64])
        first = int(session.logits().argmax())
        drawn = list(session.generate(reader.sampler(session, sampling), 12, frozenset()))
        if sampling.temperature == 0:
            assert drawn[0] == first
        return drawn

    warm = Sampling(temperature=1.5, seed=11, top_k=0, top_p=1.0, min_p=0.0)
    assert reply(warm) == reply(warm)
    assert reply(warm) != reply(Sampling(temperature=1.5, seed=12, top_k=0, top_p=1.0, min_p=0.0))
    greedy = reply(Sampling(repeat_penalty=1.0))
    assert greedy == reply(Sampling(repeat_penalty=1.0, seed=5))
    # With one candidate left there is nothing to draw.
    assert reply(Sampling(temperature=1.0, top_k=1, repeat_penalty=1.0)) == greedy


@pytest.mark.parametrize(
    "wrong",
    [{"temperature": -1}, {"top_p": 2}, {"min_p": -0.1}, {"top_k": -1}, {"repeat_penalty": 0},
     {"seed": -1},
        {"seed": 2**32 - 1}, {"temperature": float("nan")}],
)  # fmt: skip
def test_sampling_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ReaderError, match="expected"):
        Sampling(**wrong)  # type: ignore[arg-type]


def test_logits_before_anything_was_fed(reader: LlamaModel) -> None:
    engine = LlamaEngine(reader, 64)
    with pytest.raises(ReaderError, match="feed at least one token"):
        engine.logits()
    session = reader.session(64)
    with pytest.raises(ReaderError, match="feed at least one token"):
        list(session.generate(reader.sampler(session, Sampling()), 3, frozenset()))


def test_a_batch_larger_than_the_engines(reader: LlamaModel) -> None:
    engine = LlamaEngine(reader, 64, CacheOptions(chunk=8))
    with pytest.raises(ReaderError, match="expected 1 to 8"):
        engine.decode(np.zeros(9, dtype=np.int32), 0)
    with pytest.raises(ReaderError, match="at least 1"):
        CacheOptions(chunk=0)


def test_what_was_generated_has_been_fed(reader: LlamaModel, tokens: NDArray[np.int32]) -> None:
    session = reader.session(128)
    session.feed(tokens[:20])
    sampler = reader.sampler(session, Sampling())
    generated = list(session.generate(sampler, 5, frozenset()))
    assert session.cells.tokens[20:].tolist() == generated
