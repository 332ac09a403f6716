"""What policies learn from the real engine; where that is not as expected, it fails loudly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgelingua.errors import PolicyError, ReaderError, StateError
from edgelingua.kv import blob
from edgelingua.kv.options import CacheOptions, CacheType
from edgelingua.kv.policies import H2O, POLICIES, KeyDiff, KNorm, SnapKV, Tova, load_policy
from edgelingua.kv.policy import attention
from edgelingua.kv.session import Session
from edgelingua.llama import hook, self_test
from edgelingua.llama.engine import LlamaEngine
from edgelingua.llama.model import LlamaModel, Sampling
from tests.conftest import DOCUMENT


@pytest.fixture(scope="module")
def tokens(reader: LlamaModel) -> NDArray[np.int32]:
    return reader.tokenize(DOCUMENT.read_text(encoding="utf-8")[:1500])


def engine_of(session: Session) -> LlamaEngine:
    assert isinstance(session.engine, LlamaEngine)
    return session.engine


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_keeps_the_cap_on_the_real_engine(
    name: str, reader: LlamaModel, tokens: NDArray[np.int32]
) -> None:
    session = reader.session(80, load_policy(name))
    pinned = np.zeros(150, dtype=bool)
    pinned[20:25] = True
    session.feed(tokens[:150], pinned)
    sampler = reader.sampler(session, Sampling())
    for _ in session.generate(sampler, 12, frozenset()):
        cells = session.cells
        assert len(cells) <= 80
        assert cells.tokens[cells.pinned].tolist() == tokens[20:25].tolist()
    (part,) = blob.parse(engine_of(session).state())
    assert sorted(part.positions.tolist()) == session.cells.positions.tolist()
    assert session.statistics.peak == 80


@pytest.mark.parametrize("name", POLICIES)
def test_an_evicted_cache_is_that_of_a_fresh_context_with_the_pruned_state(
    name: str, tiny_reader: LlamaModel
) -> None:
    tokens = np.random.default_rng(5).integers(0, 300, 150).astype(np.int32)
    # Flash attention adds up in half precision, in the order of cells.
    session = tiny_reader.session(
        64, load_policy(name), cache=CacheOptions(flash_attention=False, chunk=32)
    )
    session.feed(tokens[:140])
    engine = engine_of(session)
    fresh = engine.sibling()
    fresh.load(engine.state(), engine.logits())
    np.testing.assert_array_equal(fresh.logits(), engine.logits())
    position = int(session.cells.positions[-1]) + 1
    for used in (engine, fresh):
        used.decode(tokens[140:], position)
    np.testing.assert_allclose(fresh.logits(), engine.logits(), atol=1e-2)
    missing = engine.sibling()
    missing.load(engine.state(), engine.logits())
    missing.remove(0, 1)
    missing.decode(tokens[140:], position + 10)
    assert np.abs(missing.logits() - engine.logits()).max() > 0.1, "this could not fail"


def test_attention_received_adds_up(reader: LlamaModel, tokens: NDArray[np.int32]) -> None:
    """A token gives each layer's cells 1 in all; what the evicted got went with them."""
    session = reader.session(64, H2O(recent=8))
    session.feed(tokens[:50])
    np.testing.assert_allclose(session._cells.attention.sum(axis=1), 50, rtol=1e-3)
    session.feed(tokens[50:120])
    received = session._cells.attention
    assert received.shape == (30, len(session.cells))
    assert (received.sum(axis=1) < 120).all()
    assert (received[:, 0] > received[:, 1:].mean(axis=1)).mean() > 0.8, "the first is the sink"


def test_only_the_last_queries_are_kept(reader: LlamaModel, tokens: NDArray[np.int32]) -> None:
    session = reader.session(96, SnapKV(window=8))
    session.feed(tokens[:70])
    assert not session._queries, "no eviction is near: nobody listened"
    session.feed(tokens[70:93])
    last = session._queries.last(8)
    assert last.values.shape == (30, 8, 9, 64)
    assert last.positions.tolist() == list(range(85, 93))


@pytest.mark.parametrize("kind", ["q8_0", "q4_0"])
def test_quantized_keys_and_values_are_read_back(
    kind: CacheType, reader: LlamaModel, tokens: NDArray[np.int32]
) -> None:
    """llama.cpp rotates what it quantizes: norms stay."""
    norms = []
    for options in (CacheOptions(), CacheOptions(keys=kind, values=kind)):
        session = reader.session(64, cache=options)
        session.feed(tokens[:40])
        states = session.engine.states(frozenset({"keys", "values"}), session.cells.positions)
        assert states["keys"].shape == states["values"].shape == (30, 40, 3, 64)
        norms.append([np.linalg.norm(states[name], axis=-1) for name in ("keys", "values")])
    for exact, quantized in zip(*norms, strict=True):
        # The first layer's input is the same; what follows differs by more than the rounding.
        np.testing.assert_allclose(quantized[0], exact[0], rtol=0.02 if kind == "q8_0" else 0.2)
    session = reader.session(64, KNorm(recent=16), cache=CacheOptions(keys=kind, values=kind))
    session.feed(tokens[:100])
    assert session.statistics.used <= 64


def test_values_without_flash_attention_lie_the_other_way(
    reader: LlamaModel, tokens: NDArray[np.int32]
) -> None:
    found = []
    for flash in (True, False):
        session = reader.session(64, cache=CacheOptions(flash_attention=flash))
        session.feed(tokens[:30])
        states = session.engine.states(frozenset({"keys", "values"}), session.cells.positions)
        found.append(states)
    for name in ("keys", "values"):
        np.testing.assert_allclose(found[0][name][0], found[1][name][0], atol=1e-2)


@pytest.mark.parametrize(
    ("policy", "options", "message"),
    [
        (H2O(), {"flash_attention": True}, "leave flash attention off"),
        (H2O(), {"values": "q8_0"}, "need flash attention, and this policy reads attention"),
        (None, {"values": "q4_0", "flash_attention": False}, "need flash attention, and it is off"),
        (Tova(), {"keys": "q8_0"}, "rotates q8_0 keys"),
    ],
)
def test_what_cannot_work_together_is_refused(
    policy: Any, options: dict[str, Any], message: str, tiny_reader: LlamaModel
) -> None:
    with pytest.raises(PolicyError, match=message):
        tiny_reader.session(64, policy, cache=CacheOptions(**options))


def test_unknown_cache_types(reader: LlamaModel) -> None:
    with pytest.raises(ReaderError, match="expected one of f16, q8_0, q4_0"):
        CacheOptions(keys="q5_1")  # type: ignore[arg-type]


def test_the_selftest_notices_an_engine_that_changed(
    reader: LlamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    self_test.check(reader)
    with monkeypatch.context() as patch:
        patch.setattr(hook, "_ROPE", -1)
        with pytest.raises(ReaderError, match=r"no queries .* passed by; choose a policy"):
            self_test.check(reader)
    with monkeypatch.context() as patch:
        patch.setattr(hook, "_SET_ROWS", -1)
        with pytest.raises(ReaderError, match="which cells the tokens went to"):
            self_test.check(reader)
    right = attention
    with monkeypatch.context() as patch:
        patch.setattr(self_test, "attention", lambda cells: right(cells)[:, ::-1])
        with pytest.raises(ReaderError, match="queries times keys are not the attention"):
            self_test.check(reader)


def test_an_error_inside_the_callback_surfaces_and_leaves_the_session_whole(
    reader: LlamaModel, tokens: NDArray[np.int32], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = reader.session(64, H2O(recent=8))
    session.feed(tokens[:30])
    with monkeypatch.context() as patch:

        def fail(*_: object) -> None:
            raise ValueError("a new layout")

        patch.setattr(hook.Hook, "_take", fail)
        with pytest.raises(ReaderError, match=r"listening to llama\.cpp failed: a new layout"):
            session.feed(tokens[30:40])
    (part,) = blob.parse(engine_of(session).state())
    assert part.positions.tolist() == session.cells.positions.tolist() == list(range(30))
    session.feed(tokens[30:90])
    assert session.statistics.used <= 64


def test_a_context_that_somebody_else_used_is_noticed(
    reader: LlamaModel, tokens: NDArray[np.int32]
) -> None:
    session = reader.session(64, KeyDiff(recent=8))
    session.feed(tokens[:60])
    session.engine.remove(10, 12)
    with pytest.raises(StateError, match="holds 58 cells, the session 60"):
        session.feed(tokens[60:90])


def test_states_that_are_none(reader: LlamaModel, tokens: NDArray[np.int32]) -> None:
    session = reader.session(64)
    session.feed(tokens[:10])
    state = engine_of(session).state()
    for size in (3, 12, 40, 1000, len(state) - 1):
        with pytest.raises(StateError, match="not laid out"):
            blob.parse(state[:size])
    wrong = state.copy()
    wrong[0] ^= 1
    with pytest.raises(StateError, match="begins with"):
        blob.parse(wrong)
