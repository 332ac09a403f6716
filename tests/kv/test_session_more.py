"""What a session promises at its edges: fresh queries, room for what comes, turns taken back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from edgelingua.errors import CapError, PolicyError
from edgelingua.kv.interrupts import uninterrupted
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import H2O, Blocked, Chunked, LagKV, SnapKV, Streaming, Tova
from edgelingua.kv.session import Session
from edgelingua.kv.state import CellView
from edgelingua.llama.model import LlamaModel
from tests.kv.counting import CountingEngine


def some_tokens(n: int, seed: int = 0) -> NDArray[np.int32]:
    return np.random.default_rng(seed).integers(0, 300, n).astype(np.int32)


@dataclass(frozen=True)
class WatchedTova(Tova):
    """Checks what it is given to judge by."""

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        assert_last(cells)
        return super().scores(cells)


@dataclass(frozen=True)
class WatchedSnapKV(SnapKV):
    """Checks what it is given to judge by."""

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        assert_last(cells)
        return super().scores(cells)


def assert_last(cells: CellView) -> None:
    width = len(cells.query_positions)
    assert width
    last = int(cells.positions[-1]) + 1
    assert cells.query_positions.tolist() == list(range(last - width, last))


@pytest.mark.parametrize("policy", [WatchedTova(recent=4), WatchedSnapKV(recent=4, window=4)])
@pytest.mark.parametrize("size", [1, 7, 30])
def test_policies_judge_by_the_last_queries(
    policy: Tova | SnapKV, size: int, tiny_reader: LlamaModel
) -> None:
    session = tiny_reader.session(64, policy)
    session.feed(some_tokens(90))
    for _ in range(2):
        gone = np.arange(len(session.cells)) < 30
        session.drop(gone)
        for number in range(90 // size):
            session.feed(some_tokens(size, number))
    assert session.statistics.peak == 64
    assert session.statistics.evicted > 60


def test_positions_are_closed_up_before_any_query_was_heard() -> None:
    """The engine refuses positions past its 300."""
    session = Session(CountingEngine(40), 40, Tova(recent=4))
    for _ in range(20):
        session.feed(some_tokens(29))
        session.drop(np.arange(len(session.cells)) < len(session.cells) - 1)
    assert session.cells.positions[-1] < 300


def test_what_the_policy_will_protect_is_counted_before_anything_is_read() -> None:
    """With 70 pinned and 32 recent ones to come, 100 cells would be full in mid-answer."""
    session = Session(CountingEngine(100), 100, H2O(sinks=0, recent=32))
    with pytest.raises(CapError, match=r"102 tokens are pinned .* at least 103 cells"):
        session.feed(some_tokens(70), pinned=True)
    assert session.statistics.used == 0
    roomy = Session(CountingEngine(103), 103, Streaming(sinks=0, recent=32))
    roomy.feed(some_tokens(70), pinned=True)
    for number in range(150):
        roomy.feed(some_tokens(1, number))
    assert roomy.cells.pinned.sum() == 70


def test_interrupts_go_to_whoever_handled_them_before(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    delivered: list[int] = []
    monkeypatch.setattr(signal, "raise_signal", delivered.append)
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            assert delivered == []
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        assert delivered == [signal.SIGINT]
        monkeypatch.setattr(signal, "getsignal", lambda _: None)
        with uninterrupted():
            pass
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_reason_why_quantized_values_are_refused() -> None:
    with pytest.raises(PolicyError, match="flash attention, and it is off"):
        CacheOptions(values="q8_0", flash_attention=False, hooks=frozenset({"queries"}))


def test_lagkv_is_refused_where_channels_are_mixed(tiny_reader: LlamaModel) -> None:
    for policy in (LagKV(), Chunked(LagKV()), Blocked(Chunked(LagKV()))):
        for cache in (CacheOptions(keys="q8_0"), CacheOptions(values="q4_0")):
            with pytest.raises(PolicyError, match="cannot work on a cache in"):
                tiny_reader.engine(64, policy, cache)


def test_a_reader_needs_no_onnxruntime() -> None:
    code = (
        "import sys, edgelingua.llama.model; print({'onnxruntime', 'tokenizers'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
