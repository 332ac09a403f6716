"""Memories: made under the cap, attached under the cap, and whole or not there at all."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgelingua.errors import CapError, EdgeLinguaError, InputError, StateError
from edgelingua.kv.engine import Adapter, Heard
from edgelingua.kv.memory import NO_TOKEN, Memory, Portion
from edgelingua.kv.policies import Streaming
from edgelingua.kv.session import Session
from edgelingua.kv.state import Signal
from tests.kv.counting import CountingEngine


class TokenEngine(CountingEngine):
    """Its keys are the tokens that were read, its values their adapters; it may be interrupted."""

    def __init__(self, cap: int, chunk: int = 16) -> None:
        super().__init__(cap, chunk)
        self.held: list[tuple[int, bool]] = []
        self.fails_after = -1
        self.error: BaseException = KeyboardInterrupt()

    def decode(
        self,
        tokens: NDArray[np.int32] | NDArray[np.float32],
        first_position: int,
        listen: frozenset[Signal] = frozenset(),
        adapter: Adapter | None = None,
    ) -> Heard:
        self.fails_after -= 1
        if self.fails_after == 0:
            raise self.error
        read = tokens.tolist() if tokens.ndim == 1 else [NO_TOKEN] * len(tokens)
        self.held += [(token, adapter is not None) for token in read]
        return super().decode(tokens, first_position, listen)

    def remove(self, start: int, end: int) -> None:
        pairs = zip(self.positions, self.held, strict=True)
        self.held = [held for at, held in pairs if not start <= at < end]
        self.positions = [at for at in self.positions if not start <= at < end]

    def logits(self) -> NDArray[np.float32]:
        return np.zeros(2000, dtype=np.float32)

    def states(
        self, names: frozenset[Signal], positions: NDArray[np.int64]
    ) -> Mapping[Signal, NDArray[np.float32]]:
        assert positions.tolist() == self.positions
        numbers = np.asarray(self.held, np.float32).reshape(1, -1, 1, 2)
        return {"keys": numbers[..., :1], "values": numbers[..., 1:]}

    def splice(self, memory: Memory, positions: NDArray[np.int64]) -> None:
        super().splice(memory, positions)
        keys, values = memory.keys.ravel().tolist(), memory.values.ravel().tolist()
        self.held += [(int(key), bool(value)) for key, value in zip(keys, values, strict=True)]

    def clear(self) -> None:
        self.positions, self.held = [], []

    def state(self) -> NDArray[np.uint8]:
        return np.frombuffer(json.dumps([self.positions, self.held]).encode(), np.uint8)

    def load(self, state: NDArray[np.uint8], logits: NDArray[np.float32]) -> None:
        self.positions, held = json.loads(state.tobytes())
        self.held = [(token, adapted) for token, adapted in held]

    def sibling(self) -> TokenEngine:
        return TokenEngine(self.cap, self.chunk)


class Named:
    """An adapter that is only a name."""

    digest = "a" * 64


def some(count: int, first: int = 100) -> NDArray[np.int32]:
    return np.arange(first, first + count, dtype=np.int32)


def portion(count: int, cells: int, first: int = 100, learned: int = 0) -> Portion:
    kept = np.zeros(count, dtype=bool)
    kept[count - cells :] = True
    return Portion(some(count, first), kept, np.zeros((learned, 4), np.float32))


def engine_of(session: Session) -> TokenEngine:
    assert isinstance(session.engine, TokenEngine)
    return session.engine


def memory_of(cells: int, count: int = 20, start: int = 5) -> Memory:
    session = Session(TokenEngine(200), 200, Streaming(0, 0))
    session.feed(some(start, 0), pinned=True)
    return session.distil([portion(count, cells)], "A document.", adapter=Named())


def book_of(session: Session) -> tuple[list[list[Any]], Any]:
    engine, cells = engine_of(session), session.cells
    columns = (cells.positions, cells.tokens, cells.pinned, session.groups)
    book = [column.tolist() for column in columns]
    return [*book, list(engine.positions), list(engine.held)], session.statistics


def test_what_stays_is_the_chosen_cells_and_the_adapter_read_them_alone() -> None:
    session = Session(TokenEngine(60), 60, Streaming(0, 0))
    session.feed(some(5, 0), pinned=True)
    kept = np.asarray([1, 0, 0, 1, 0, 1, 0, 1], bool)
    first = Portion(some(8), kept)
    second = Portion(some(6, 200), np.zeros(6, bool), np.ones((2, 4), np.float32))
    memory = session.distil([first, second], "Some text.", adapter=Named(), group=7)
    assert memory.tokens.tolist() == [100, 103, 105, 107, NO_TOKEN, NO_TOKEN]
    assert memory.positions.tolist() == [5, 8, 10, 12, 19, 20]
    assert memory.keys.ravel().tolist() == memory.tokens.tolist()
    assert (memory.start, memory.length, len(memory), memory.tokens_in) == (5, 16, 6, 14)
    assert memory.adapter == Named.digest
    assert session.cells.tokens[5:].tolist() == memory.tokens.tolist()
    assert session.cells.pinned.all()
    assert session.groups.tolist() == [0] * 5 + [7] * 6
    assert session.statistics.peak == 5 + 4 + 8
    session.feed(some(3, 300))
    assert [adapted for _, adapted in engine_of(session).held] == [False] * 5 + [True] * 6 + [
        False
    ] * 3


steps = st.one_of(
    st.tuples(st.just("feed"), st.integers(1, 40), st.booleans()),
    st.tuples(st.just("attach"), st.integers(1, 15), st.booleans()),
    st.tuples(st.just("distil"), st.lists(st.integers(2, 25), min_size=1, max_size=3),
              st.integers(0, 3)),
    st.tuples(st.just("fork"), st.just(0), st.booleans()),
)  # fmt: skip


@given(
    cap=st.integers(8, 60),
    sinks=st.integers(0, 3),
    recent=st.integers(0, 4),
    chunk=st.integers(1, 20),
    actions=st.lists(st.tuples(steps, st.integers(-1, 3)), max_size=10),
)
@settings(max_examples=150, deadline=None)
def test_the_cap_holds_with_memories_and_errors_change_nothing(
    cap: int, sinks: int, recent: int, chunk: int, actions: list[tuple[Any, int]]
) -> None:
    session = Session(TokenEngine(cap, chunk), cap, Streaming(sinks, recent))
    session.feed(some(2, 0), pinned=True)
    staying = [0, 1]
    for (what, size, option), fails_after in actions:
        engine = engine_of(session)
        before = book_of(session)
        engine.fails_after = fails_after if what == "distil" else -1
        try:
            if what == "feed":
                session.feed(some(size, 1000))
            elif what == "attach":
                memory = memory_of(size)
                session.attach(memory, pinned=option)
                staying += memory.tokens.tolist() if option else []
            elif what == "distil":
                portions = [portion(n, 0 if option else 1, learned=option) for n in size]
                memory = session.distil(portions, "x")
                staying += memory.tokens.tolist()
            else:
                session = session.fork()
        except (CapError, KeyboardInterrupt):
            if what != "feed":
                assert book_of(session) == before
        engine_of(session).fails_after = -1
        cells = session.cells
        assert len(cells) <= cap
        assert engine_of(session).positions == cells.positions.tolist()
        assert cells.tokens[cells.pinned].tolist() == staying
        assert [token for token, _ in engine_of(session).held] == cells.tokens.tolist()
        assert session.statistics.peak <= cap


@given(cells=st.integers(1, 12), start=st.integers(1, 12), before=st.integers(1, 280))
@settings(max_examples=60, deadline=None)
def test_a_memory_goes_where_its_document_would(cells: int, start: int, before: int) -> None:
    memory = memory_of(cells, start=start)
    session = Session(TokenEngine(300), 300, Streaming())
    session.feed(some(before, 0))
    session.attach(memory)
    positions = session.cells.positions[-cells:]
    if before + memory.length < 300:
        assert (positions - before).tolist() == (memory.positions - start).tolist()
    assert positions[-1] < 299, "something must still follow"
    session.feed(some(5))
    assert session.cells.tokens[-5 - cells : -5].tolist() == memory.tokens.tolist()


def test_what_cannot_be_distilled_or_attached() -> None:
    session = Session(TokenEngine(30), 30, Streaming(0, 0))
    with pytest.raises(InputError, match="has read nothing"):
        session.attach(memory_of(3))
    with pytest.raises(InputError, match="document is empty"):
        session.distil([], "")
    with pytest.raises(InputError, match="expected some"):
        portion(0, 0)
    with pytest.raises(InputError, match="last token"):
        Portion(some(3), np.asarray([True, True, False]))
    with pytest.raises(InputError, match="one value for each"):
        Portion(some(3), np.ones(2, bool))
    session.feed(some(5, 0), pinned=True)
    before = book_of(session)
    with pytest.raises(CapError, match="a cap of 30 cells is too small"):
        session.distil([portion(26, 2)], "x")
    with pytest.raises(CapError, match="at least 32 cells"):
        session.attach(memory_of(25, 40))
    memory = memory_of(4)
    for wrong, said in (
        (replace(memory.layout, reader="another"), "another reader .*edgelingua remember"),
        (replace(memory.layout, rotary="neox"), "order of rotary channels"),
        (replace(memory.layout, layers=9), "layers=9"),
    ):
        with pytest.raises(StateError, match=said):
            session.attach(replace(memory, layout=wrong))
    with pytest.raises(StateError, match="another adapter"):
        memory.check(memory.layout, "b" * 64)
    memory.check(memory.layout, memory.adapter)
    with pytest.raises(StateError, match="does not know"):
        session.attach(replace(memory, tokens=memory.tokens + 5000))
    with pytest.raises(StateError, match="trained for 300"):
        session.attach(replace(memory, positions=memory.positions + 1000))
    assert book_of(session) == before


@pytest.mark.parametrize("error", [EdgeLinguaError("broken"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("empty", [True, False])
def test_whatever_ends_the_reading_leaves_the_session_as_it_was(
    error: BaseException, empty: bool
) -> None:
    session = Session(TokenEngine(40, 8), 40, Streaming(0, 0))
    if not empty:
        session.feed(some(35, 0), pinned=some(35, 0) < 4)
    before = book_of(session)
    for step in range(1, 5):
        engine_of(session).fails_after, engine_of(session).error = step, error
        with pytest.raises(type(error)):
            session.distil([portion(20, 3), portion(12, 2)], "x", adapter=Named())
        assert book_of(session) == before
    engine_of(session).fails_after = -1

    def stop(done: int, total: int) -> None:
        if done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.distil([portion(20, 3), portion(12, 2)], "x", progress=stop)
    assert book_of(session) == before
    assert len(session.distil([portion(20, 3), portion(12, 2)], "x")) == 5


@pytest.fixture
def filed(tmp_path: Path) -> Path:
    path = tmp_path / "a.soft"
    memory_of(6).save(path)
    return path


def test_a_file_brings_all_of_it_back(filed: Path) -> None:
    made, found = memory_of(6), Memory.load(filed)
    for name in ("text", "tokens_in", "layout", "adapter", "start"):
        assert getattr(found, name) == getattr(made, name)
    for name in ("positions", "tokens", "keys", "values"):
        np.testing.assert_array_equal(getattr(found, name), getattr(made, name))
        assert getattr(found, name).dtype == getattr(made, name).dtype
    assert filed.stat().st_mode & 0o077 == 0


def test_damaged_files_are_refused(filed: Path) -> None:
    whole, draw, refused = filed.read_bytes(), np.random.default_rng(0), 0
    for cut in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        filed.write_bytes(whole[:cut])
        with pytest.raises(StateError, match="damaged, or not a memory"):
            Memory.load(filed)
    for _ in range(100):
        changed = bytearray(whole)
        changed[draw.integers(len(whole))] ^= 1 << int(draw.integers(8))
        filed.write_bytes(changed)
        try:
            assert Memory.load(filed).keys.tobytes() == memory_of(6).keys.tobytes()
        except StateError:
            refused += 1
    assert refused > 60
    with pytest.raises(StateError, match="cannot be read"):
        Memory.load(filed.with_name("none"))


@pytest.mark.parametrize(
    "about",
    [
        {"mark": "edgelingua session"}, {"format": 2}, {"layout": []}, {"layout": {"reader": ""}},
        {"adapter": 3}, {"start": -1}, {"start": 8.0}, {"start": 10**30}, {"start": 30},
        {"tokens_in": 0}, {"tokens_in": True}, {"content": ""}, {"content": None},
    ],
)  # fmt: skip
def test_forged_descriptions_are_refused(filed: Path, about: dict[str, Any]) -> None:
    with np.load(filed) as file:
        arrays = dict(file)
    told = json.loads(arrays["about"].tobytes()) | about
    arrays["about"] = np.frombuffer(json.dumps(told).encode(), np.uint8)
    np.savez(filed.open("wb"), **arrays)
    with pytest.raises(StateError, match=r"damaged|expected 1"):
        Memory.load(filed)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("positions", lambda a: a[::-1]), ("positions", lambda a: a[:-1]),
        ("positions", lambda a: a - 20), ("positions", lambda a: a.astype(np.int32)),
        ("tokens", lambda a: a - 200), ("tokens", lambda a: a[:, None]),
        ("keys", lambda a: a * np.float16(np.nan)), ("keys", lambda a: a[:, :, :, 0]),
        ("values", lambda a: a[:, :2]), ("values", lambda a: a.astype(np.float32)),
        ("text", lambda a: a | 0x80), ("text", lambda a: np.zeros((0, 9), np.uint8)),
    ],
)  # fmt: skip
def test_forged_arrays_are_refused(filed: Path, name: str, change: Any) -> None:
    with np.load(filed) as file:
        arrays = dict(file)
    arrays[name] = change(arrays[name])
    np.savez(filed.open("wb"), **arrays)
    with pytest.raises(StateError, match="damaged"):
        Memory.load(filed)


def test_what_unpacks_to_more_than_the_file_is_not_unpacked(filed: Path) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("about.npy", b"\0" * 50_000_000)
    filed.write_bytes(bomb.getvalue())
    with pytest.raises(StateError, match="50000000 bytes packed into"):
        Memory.load(filed)
