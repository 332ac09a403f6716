"""Eviction policies on made-up cells: what each keeps, against plain loops over its definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgelingua.errors import PolicyError
from edgelingua.kv.policies import (
    DEFAULT_POLICY,
    H2O,
    POLICIES,
    Blocked,
    Chunked,
    Compressor,
    KeyDiff,
    KNorm,
    LagKV,
    Phrased,
    Policy,
    Random,
    SnapKV,
    Streaming,
    Tova,
    Windowed,
    load_policy,
    policy_of,
    unwrapped,
)
from edgelingua.kv.policy import Ends, attention, mean_rank
from edgelingua.kv.state import Cells, CellView, Signal

LAYERS, HEADS, KV_HEADS, SIZE = 3, 4, 2, 8


def made_up(n: int, *, queries: int = 0, seed: int = 0, gaps: bool = True) -> CellView:
    """Cells with gaps between positions and random signals, the queries those of the last cells."""
    random = np.random.default_rng(seed)
    cells = Cells().appended(
        random.integers(0, 99, 2 * n).astype(np.int32),
        importance=random.random(2 * n).astype(np.float32),
    )
    gone = np.zeros(2 * n, dtype=bool)
    gone[random.choice(2 * n - 1, n, replace=False) if gaps else slice(n, None)] = True
    cells = cells.without(gone)

    def draw(*shape: int) -> NDArray[np.float32]:
        return random.standard_normal(shape).astype(np.float32)

    width = min(n, queries)
    signals: dict[Signal, NDArray[np.float32]] = {
        "keys": draw(LAYERS, n, KV_HEADS, SIZE),
        "values": draw(LAYERS, n, KV_HEADS, SIZE),
        "queries": draw(LAYERS, width, HEADS, SIZE),
        "attention": np.abs(draw(LAYERS, n)),
    }
    return cells.view(signals, cells.positions[n - width :])


def only_declared(cells: CellView, policy: Policy) -> CellView:
    given_signals = {name: cells.signal(name) for name in policy.signals}
    return CellView(
        cells.positions,
        cells.tokens,
        cells.pinned,
        cells.importance,
        cells.query_positions,
        given_signals,
    )


WRAPPED: dict[str, Callable[[], Policy]] = {
    **{name: info.make for name, info in POLICIES.items()},
    "chunks of keydiff": lambda: Chunked(KeyDiff()),
    "blocks of chunks of h2o": lambda: Blocked(Chunked(H2O())),
    "phrases of lagkv": lambda: Phrased(LagKV()),
    "default": lambda: DEFAULT_POLICY,
}


@pytest.mark.parametrize("name", WRAPPED)
@given(n=st.integers(1, 150), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_every_policy_scores_every_cell_from_its_declared_signals(
    name: str, n: int, seed: int
) -> None:
    policy = WRAPPED[name]()
    cells = only_declared(made_up(n, queries=policy.queries, seed=seed), policy)
    scores = policy.scores(cells)
    assert scores.shape == (n,)
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(policy.scores(cells), scores)
    assert policy.protected(cells).tolist()[:4] == [True] * min(n, 4)


@pytest.mark.parametrize("name", [name for name, info in POLICIES.items() if info.make().signals])
def test_a_signal_that_was_not_declared_is_not_there(name: str) -> None:
    policy = POLICIES[name].make()
    bare = Cells().appended(np.arange(200, dtype=np.int32)).view()
    with pytest.raises(PolicyError, match="not among its declared signals"):
        policy.scores(bare)


def test_unknown_policies_are_named() -> None:
    with pytest.raises(PolicyError, match="no policy 'lru'; there are streaming, keydiff"):
        load_policy("lru")


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("smooth", [None, 3])
@pytest.mark.parametrize("phrase", [None, 5])
@pytest.mark.parametrize("window", [None, 10])
@pytest.mark.parametrize("block", [None, 16])
def test_policies_in_wrappers_are_found_by_what_they_say_of_themselves(
    name: str, smooth: int | None, phrase: int | None, window: int | None, block: int | None
) -> None:
    policy = load_policy(name, smooth=smooth, phrase=phrase, window=window, block=block)
    assert policy_of(repr(policy)) == policy
    assert unwrapped(policy) == load_policy(name)
    longer = load_policy(name, recent=40, smooth=smooth, phrase=phrase, window=window, block=block)
    assert longer != policy
    assert policy.block == block
    assert policy.signals == load_policy(name).signals


@pytest.mark.parametrize(
    "policy",
    [KeyDiff(sinks=9), SnapKV(recent=8, window=8, kernel=3), H2O(recent_share=0.25), LagKV(lag=9),
     Streaming(sinks=0), Random(seed=7), DEFAULT_POLICY,
     Blocked(Chunked(KNorm(recent=128), size=3), size=9)],
)  # fmt: skip
def test_policies_with_options_are_found_by_what_they_say_of_themselves(policy: Policy) -> None:
    assert policy_of(repr(policy)) == policy
    with pytest.raises(PolicyError, match="recent -1"):
        load_policy("keydiff", recent=-1)


def test_no_policy_is_made_of_anything_else() -> None:
    for text in ("", "KeyDiff", "Chunked(policy=os.system('x'), size=8)", "KeyDiff(sinks=9)",
                 "Chunked(policy=KeyDiff(sinks=4, recent=32), size=-8)", "(" * 400, "KeyDiff(9, 9)",
                 "KeyDiff(sinks=9, recent=32.5)", "KeyDiff(sinks=9, recent=True)", "9",
                 "KeyDiff(sinks=9, recent=1 + 1)", "KeyDiff(sinks=9, recent=32, **{})",
                 "KeyDiff(\0", "KeyDiff(sinks=9, recent=32, policy=KeyDiff(sinks=9, recent=32))",
                 f"KeyDiff(sinks=9, recent={10**300})", "Own(sinks=9, recent=32)"):  # fmt: skip
        assert policy_of(text) is None
    with pytest.raises(PolicyError, match="blocks of 0 tokens"):
        load_policy("h2o", block=0)
    with pytest.raises(PolicyError, match="expected 1 or more"):
        load_policy("h2o", smooth=-1)
    with pytest.raises(PolicyError, match="expected 1 or more"):
        policy_of(f"Chunked(policy={KeyDiff()!r}, size=0)")


@given(rows=st.integers(1, 5), n=st.integers(1, 40), seed=st.integers(0, 999), ties=st.booleans())
def test_mean_ranks(rows: int, n: int, seed: int, ties: bool) -> None:
    random = np.random.default_rng(seed)
    scores = (
        random.integers(0, 4, (rows, n)) if ties else random.standard_normal((rows, n))
    ).astype(np.float32)
    expected = [
        np.mean([(row < row[column]).sum() / max(1, n - 1) for row in scores])
        for column in range(n)
    ]
    np.testing.assert_allclose(mean_rank(scores), expected)


def softmax(values: NDArray[np.float32]) -> NDArray[np.float32]:
    weights = np.exp(values - values.max())
    result: NDArray[np.float32] = weights / weights.sum()
    return result


def test_attention_is_that_of_each_query_on_the_cells_it_sees() -> None:
    cells = made_up(12, queries=5)
    weights = attention(cells)
    assert weights.shape == (LAYERS, HEADS, 5, 12)
    keys, queries = cells.signal("keys"), cells.signal("queries")
    for layer in range(LAYERS):
        for head in range(HEADS):
            for index, position in enumerate(cells.query_positions):
                logits = keys[layer, :, head // 2] @ queries[layer, index, head] / np.sqrt(SIZE)
                logits[cells.positions > position] = -np.inf
                np.testing.assert_allclose(weights[layer, head, index], softmax(logits), atol=1e-6)


def kept(policy: Policy, cells: CellView, count: int) -> set[int]:
    return set(np.argsort(policy.scores(cells), kind="stable")[-count:].tolist())


def test_knorm_keeps_small_keys() -> None:
    cells = made_up(20)
    cells.signal("keys").flags.writeable = True
    cells.signal("keys")[:, 7] *= 0.01
    cells.signal("keys")[:, 9] *= 100
    scores = KNorm().scores(cells)
    assert scores.argmax() == 7
    assert scores.argmin() == 9


def test_keydiff_is_the_cosine_to_the_mean_of_the_normalized_keys() -> None:
    cells = made_up(20)
    keys = cells.signal("keys")
    rows = []
    for layer in range(LAYERS):
        for head in range(KV_HEADS):
            unit = [key / np.linalg.norm(key) for key in keys[layer, :, head]]
            mean = np.mean(unit, axis=0)
            rows.append([-float(u @ mean / np.linalg.norm(mean)) for u in unit])
    np.testing.assert_allclose(KeyDiff().scores(cells), mean_rank(np.asarray(rows, np.float32)))


def test_lagkv_by_its_formula() -> None:
    policy = LagKV(sinks=2, lag=5)
    cells = made_up(19)
    expected = np.full(19, 2.0)
    for chunk in range(2):  # 2 sinks, chunks of 5 at 2, 7, 12; the last has no whole one behind it
        start = 2 + 5 * chunk
        rows = []
        for layer in range(LAYERS):
            for head in range(KV_HEADS):
                row = np.zeros(5, dtype=np.float32)
                for name in ("keys", "values"):
                    states = cells.signal("keys" if name == "keys" else "values")[layer, :, head]
                    own, lag = states[start : start + 5], states[start + 5 : start + 10]
                    low, high = lag.min(axis=0), lag.max(axis=0)
                    row += softmax(((own - low) / (high - low)).std(axis=1))
                rows.append(row)
        expected[start : start + 5] = mean_rank(np.asarray(rows))
    np.testing.assert_allclose(policy.scores(cells), expected)


def test_tova_is_the_last_query_and_snapkv_the_window() -> None:
    cells = made_up(30, queries=6)
    weights = attention(cells)
    np.testing.assert_allclose(Tova().scores(cells), mean_rank(weights[:, :, -1].mean(axis=1)))
    plain = SnapKV(window=6, kernel=1).scores(cells)
    np.testing.assert_allclose(plain, mean_rank(weights.sum(axis=2).reshape(-1, 30)))


def test_snapkv_keeps_the_neighbours_of_what_is_looked_at() -> None:
    cells = made_up(30, queries=6)
    for name in ("keys", "queries"):
        cells.signals[name].flags.writeable = True
    cells.signal("queries")[:] = 1
    cells.signal("keys")[:, 11] = 3
    assert kept(SnapKV(window=6, kernel=5), cells, 5) == {9, 10, 11, 12, 13}
    assert SnapKV(window=6, kernel=1).scores(cells).argmax() == 11


def test_h2o_gives_half_to_the_recent_and_half_to_heavy_hitters() -> None:
    cells = made_up(40)
    cells.signal("attention").flags.writeable = True
    cells.signal("attention")[:, [3, 8, 13]] += 100
    assert kept(H2O(), cells, 23) == {3, 8, 13, *range(20, 40)}


def test_the_compressors_scores_rank_the_prompt() -> None:
    importance = np.asarray([0.1, 0.9, 0.2, 0.8, np.nan, np.nan], dtype=np.float32)
    cells = Cells().appended(np.arange(6, dtype=np.int32), importance=importance).view()
    assert kept(Compressor(), cells, 4) == {1, 3, 4, 5}


def test_chunks_go_together() -> None:
    cells = made_up(32, gaps=False)
    scores = Chunked(KNorm(), size=8).scores(cells)
    assert len(set(scores.tolist())) == 4
    own = KNorm().scores(cells)
    np.testing.assert_allclose(scores[::8], own.reshape(4, 8).mean(axis=1))


@dataclass(frozen=True)
class Known(Ends):
    """The tokens are their scores."""

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        return cells.tokens.astype(np.float64)


def worth(values: list[int]) -> Cells:
    """Cells that `Known` scores so."""
    return Cells().appended(np.asarray(values, dtype=np.int32))


@given(
    values=st.lists(st.integers(0, 9), min_size=1, max_size=60),
    gone=st.sets(st.integers(0, 59)),
    size=st.integers(1, 70),
)
def test_a_token_is_worth_its_best_stretch(values: list[int], gone: set[int], size: int) -> None:
    """Beside the definition, position by position."""
    left = [at for at in range(len(values)) if at not in gone] or [0]
    cells = worth(values).without(~np.isin(np.arange(len(values)), left))
    least = min(values[at] for at in left)
    text = {at: values[at] if at in left else least for at in range(left[0], left[-1] + 1)}
    width = min(size, len(text))
    means = {
        start: np.mean([text[at] for at in range(start, start + width)])
        for start in range(left[0], left[-1] - width + 2)
    }
    expected = [
        max(mean for start, mean in means.items() if start <= at < start + width) for at in left
    ]
    np.testing.assert_allclose(Phrased(Known(), size).scores(cells.view()), expected)


def test_a_phrase_stays_whole_wherever_it_begins() -> None:
    """Chunks cut it in two."""
    cells = worth([0] * 12 + [9] * 8 + [0] * 20).view()
    assert kept(Phrased(Known(), 8), cells, 8) == set(range(12, 20))
    assert kept(Chunked(Known(), 8), cells, 8) != set(range(12, 20))


def test_what_lost_its_neighbours_goes_before_what_is_whole() -> None:
    cells = worth([0] * 4 + [9] * 40)
    cells = cells.without(np.isin(cells.positions, [*range(8, 11), *range(15, 20)]))
    whole = np.flatnonzero(cells.positions >= 20)
    assert kept(Phrased(Known(), 8), cells.view(), len(whole)) == set(whole.tolist())


def test_the_window_goes_last_and_oldest_first() -> None:
    cells = worth([7, 1, 9, 4, 0, 0, 3, 0]).view()
    policy = Windowed(Known(), percent=50)
    assert [len(kept(policy, cells, count) & {4, 5, 6, 7}) for count in range(1, 8)] == [
        *range(1, 5),
        *[4] * 3,
    ]
    assert kept(policy, cells, 3) == {5, 6, 7}
    assert kept(policy, cells, 6) == {0, 2, 4, 5, 6, 7}
    np.testing.assert_array_equal(Windowed(Known(), 0).scores(cells), Known().scores(cells))
    np.testing.assert_array_equal(np.argsort(Windowed(Known(), 100).scores(cells)), np.arange(8))


def test_what_is_pinned_may_take_the_cells_of_the_default_policys_window() -> None:
    """A turn may be as large as with `Streaming`; ``recent`` tokens would refuse it."""
    cells = worth([0] * 100)
    assert DEFAULT_POLICY.protected(cells.view()).sum() == Streaming().protected(cells.view()).sum()
    assert KNorm().protected(cells.view()).sum() > 30


def test_random_draws_anew_as_the_text_grows() -> None:
    small, large = made_up(20, gaps=False), made_up(21, gaps=False)
    assert Random().scores(small).tolist() != Random().scores(large).tolist()[:20]
    assert Random(seed=1).scores(small).tolist() != Random().scores(small).tolist()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Streaming(sinks=-1), "sinks -1: expected 0 or more"),
        (lambda: KeyDiff(recent=-1), "recent -1"),
        (lambda: LagKV(lag=1), "expected 2 or more"),
        (lambda: SnapKV(window=33), "expected 1 to 32"),
        (lambda: SnapKV(kernel=4), "odd number"),
        (lambda: H2O(recent_share=1.0), "expected 0 to below 1"),
        (lambda: Chunked(KeyDiff(), size=0), "expected 1 or more"),
        (lambda: Windowed(KeyDiff(), percent=101), "expected 0 to 100"),
        (lambda: Phrased(KeyDiff(), size=0), "stretches of 0 tokens: expected 1 or more"),
    ],
)
def test_options_out_of_range(make: Callable[[], Policy], message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        make()
