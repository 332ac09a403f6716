"""Far past what a model was trained for: positions are closed up, and it reads on as before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgelingua.kv import blob
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import Blocked, KeyDiff, Policy, Streaming
from edgelingua.kv.session import Session
from edgelingua.llama.engine import LlamaEngine
from edgelingua.llama.model import LlamaModel
from edgelingua.llama.sampler import LlamaSampler
from edgelingua.llama.sampling import Sampling
from tests.conftest import DOCUMENT


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> LlamaModel:
    from tests import tiny_gguf

    path = tmp_path_factory.mktemp("gemma") / "gemma.gguf"
    return LlamaModel(tiny_gguf.write_gemma(path), threads=1)


@pytest.fixture(params=["llama", "gemma"])
def model(request: pytest.FixtureRequest, tiny_reader: LlamaModel, gemma: LlamaModel) -> LlamaModel:
    return tiny_reader if request.param == "llama" else gemma


def some_tokens(n: int, seed: int = 0) -> NDArray[np.int32]:
    return np.random.default_rng(seed).integers(0, 300, n).astype(np.int32)


def test_a_window_that_moves_as_a_whole_predicts_the_same(model: LlamaModel) -> None:
    """Rotary embedding knows distances only: without sinks, closing up is a shift of all."""
    sessions = [
        model.session(64, Streaming(sinks=0), cache=CacheOptions(flash_attention=False))
        for _ in range(2)
    ]
    for session in sessions:
        session.feed(some_tokens(200))
    moved, plain = sessions
    assert moved.cells.positions[0] > 100
    moved._compact()
    for token in some_tokens(40, 1):
        for session in sessions:
            session.feed(np.asarray([token]))
        np.testing.assert_allclose(moved.logits(), plain.logits(), atol=0.05)
    assert moved.cells.positions[-1] < plain.cells.positions[-1] - 100
    wrong = model.session(64, Streaming(sinks=0), cache=CacheOptions(flash_attention=False))
    wrong.feed(some_tokens(240, 2))
    assert np.abs(wrong.logits() - plain.logits()).max() > 0.5, "this could not fail"


def read_on(session: Session, policy: Policy, window: int, seed: int) -> None:
    """Feed and generate some; what must hold, holds."""
    session.feed(some_tokens(70, seed))
    assert isinstance(session.engine, LlamaEngine)
    sampler = LlamaSampler(session.engine, Sampling(temperature=1.0, seed=seed))
    for _ in session.generate(sampler, 5, frozenset()):
        assert session.statistics.used <= 64
    positions = session.cells.positions
    assert positions[-1] < session.engine.trained_length
    assert (np.diff(positions) > 0).all()
    last = int(positions[-1])
    assert set(range(last - max(window, 1) + 1, last + 1)) <= set(positions.tolist())
    assert np.isfinite(session.logits()).all()
    whole, *sliding = blob.parse(session.engine.state())
    assert sorted(whole.positions.tolist()) == positions.tolist()
    for part in sliding:  # llama.cpp may drop what no later token sees
        held = set(part.positions.tolist())
        assert set(range(last - window + 2, last + 1)) <= held <= set(positions.tolist())


@pytest.mark.slow
@pytest.mark.parametrize(
    "policy", [Streaming(), KeyDiff(recent=8), Blocked(KeyDiff(recent=8), size=16)]
)
@pytest.mark.parametrize("kind", ["f16", "q8_0"])
def test_thousands_of_tokens_where_hundreds_were_trained(
    model: LlamaModel, policy: Policy, kind: str
) -> None:
    """3,000 and more; six times what these models know."""
    if kind != "f16" and not model.quantized_keys_move:
        pytest.skip("heads of 32 numbers: refused, see test_kv_models")
    cache = CacheOptions(keys=kind, values=kind)  # type: ignore[arg-type]
    session = model.session(64, policy, cache=cache)
    for seed in range(42):
        read_on(session, policy, model.window, seed)
    assert session.statistics.evicted > 3000


def loss(session: Session, tokens: NDArray[np.int32]) -> float:
    """Mean nats of tokens that are read one by one."""
    nats = []
    for token in tokens.tolist():
        logits = session.logits().astype(np.float64)
        logits -= logits.max()
        nats.append(np.log(np.exp(logits).sum()) - logits[token])
        session.feed(np.asarray([token]))
    return float(np.mean(nats))


@pytest.mark.slow
def test_a_real_model_reads_on_past_its_trained_length(gguf: Path) -> None:
    model = LlamaModel(gguf, threads=1)
    text = model.tokenize(DOCUMENT.read_text(encoding="utf-8"))
    length = model.trained_length
    tokens = np.concatenate([text, text[200:]])[: length + 200]
    assert len(tokens) == length + 200
    session = model.session(256)
    session.feed(tokens[: length - 100])
    before = loss(session, tokens[length - 100 : length])
    assert session.cells.positions[-1] == length - 1
    after = loss(session, tokens[length:])
    assert session.cells.positions[-1] < 500, "positions were not closed up"
    # The same tokens where nothing had to be moved.
    short = model.session(256)
    short.feed(np.concatenate([tokens[:4], tokens[length - 1000 : length]]))
    assert short.cells.positions[-1] < 1100
    plain = loss(short, tokens[length:])
    print(f"nats: {before:.3f} before, {after:.3f} after, {plain:.3f} if never moved")
    assert abs(after - plain) < 0.1 * plain
