"""Sessions saved, restored and forked, on a small model that computes exactly."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgelingua.errors import CapError, StateError
from edgelingua.kv import blob
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import H2O, KeyDiff, Policy, SnapKV, Streaming, load_policy
from edgelingua.kv.session import Session
from edgelingua.kv.storage import SavedSession
from edgelingua.llama.engine import LlamaEngine
from edgelingua.llama.model import LlamaModel, LlamaSampler, SamplerState, Sampling

WARM = Sampling(temperature=1.2, seed=7, top_k=0, top_p=1.0, min_p=0.0)


def some_tokens(n: int, seed: int = 0) -> NDArray[np.int32]:
    return np.random.default_rng(seed).integers(0, 300, n).astype(np.int32)


def held(session: Session) -> list[int]:
    assert isinstance(session.engine, LlamaEngine)
    (part,) = blob.parse(session.engine.state())
    return sorted(part.positions.tolist())


CHILD = """
import json, sys
from edgelingua.llama import LlamaModel, SamplerState, Sampling
model = LlamaModel(sys.argv[1], threads=1)
session, notes = model.restore(sys.argv[2])
state = SamplerState(notes["draws"], tuple(notes["recent"]))
sampler = model.sampler(session, Sampling(**notes["sampling"]), state)
print(json.dumps(list(session.generate(sampler, 40, frozenset()))))
"""


@pytest.mark.parametrize("name", ["streaming", "keydiff", "snapkv", "h2o"])
def test_another_process_goes_on_with_the_same_tokens(
    name: str, tiny_reader: LlamaModel, tmp_path: Path
) -> None:
    """Forty tokens with evictions among them: policy and sampler go on where they were, too."""
    # Restored cells lie in another order, and flash attention rounds at each of them.
    session = tiny_reader.session(72, load_policy(name), cache=CacheOptions(flash_attention=False))
    session.feed(some_tokens(100))
    sampler = tiny_reader.sampler(session, WARM)
    list(session.generate(sampler, 10, frozenset()))
    notes = {**asdict(sampler.state), "sampling": asdict(WARM)}
    session.save(tmp_path / "chat.session", notes)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, tiny_reader.path, tmp_path / "chat.session"],
        capture_output=True,
        check=True,
    )
    again = list(session.generate(sampler, 40, frozenset()))
    assert json.loads(done.stdout) == again
    assert session.statistics.evicted > 50


def test_forks_go_their_own_ways(tiny_reader: LlamaModel) -> None:
    common = tiny_reader.session(64, H2O(recent=8))
    common.feed(some_tokens(40), pinned=np.arange(40) < 10)
    first, second = common.fork(), common.fork()
    np.testing.assert_array_equal(first.logits(), common.logits())
    first.feed(some_tokens(60, 1))
    assert common.cells.tokens.tolist() == second.cells.tokens.tolist() == some_tokens(40).tolist()
    second.feed(some_tokens(20, 2))
    common.feed(some_tokens(20, 2))
    np.testing.assert_allclose(second.logits(), common.logits(), atol=1e-3)
    np.testing.assert_allclose(second._cells.attention, common._cells.attention, atol=1e-3)
    assert first.cells.tokens[:10].tolist() == some_tokens(10).tolist()
    assert tiny_reader.session(64).fork().statistics.used == 0


@dataclass
class Talk:
    """A session beside plain lists: what it was fed, and which of that it holds and has pinned."""

    session: Session
    fed: list[int]
    pinned: list[int]
    kept: list[int]
    can_draw: bool = False
    taken_back: int = 0

    def twin(self, session: Session) -> Talk:
        lists = [*self.fed], [*self.pinned], [*self.kept]
        return Talk(session, *lists, self.can_draw, self.taken_back)

    def follow(self, new: list[int]) -> None:
        """Take over what was evicted while ``new`` was read, if it may have been."""
        may_stay = [*self.kept, *range(len(self.fed), len(self.fed) + len(new))]
        self.fed += new
        self.can_draw = True
        kept = self.session.groups.tolist()
        assert set(kept) <= set(may_stay), "what had gone has come back"
        assert kept[-1] == len(self.fed) - 1
        assert len(kept) in (48, len(may_stay)) or self.session._block > 1, "gone without need"
        self.kept = kept

    def check(self) -> None:
        cells, statistics = self.session.cells, self.session.statistics
        assert self.session.groups.tolist() == self.kept == sorted(set(self.kept))
        assert cells.tokens.tolist() == [self.fed[at] for at in self.kept]
        assert np.flatnonzero(cells.pinned).tolist() == [self.kept.index(at) for at in self.pinned]
        assert len(self.kept) == statistics.used
        assert statistics.used + statistics.evicted + self.taken_back == len(self.fed)
        assert statistics.used <= statistics.peak <= 48
        assert held(self.session) == cells.positions.tolist() == sorted(set(cells.positions))

    def feed(self, new: NDArray[np.int32], *, pin: bool) -> None:
        groups = len(self.fed) + np.arange(len(new), dtype=np.int32)
        try:
            self.session.feed(new, pinned=pin, group=groups)
        except CapError:
            assert len(self.pinned) + 8 + len(new) * pin > 46, "refused without need"
            return
        self.pinned += groups.tolist() if pin else []
        self.follow(new.tolist())

    def generate(self, sampler: LlamaSampler, count: int) -> None:
        for _ in range(count):
            try:
                drawing = self.session.generate(sampler, 1, frozenset(), group=len(self.fed))
                self.follow(list(drawing))
            except CapError:
                assert len(self.pinned) + 8 > 44
                return

    def drop(self, which: int) -> None:
        at = which % (len(self.kept) - 1)
        if self.kept[at] not in self.pinned:
            mask = np.arange(len(self.kept)) == at
            self.session.drop(mask)
            del self.kept[at]

    def take_back(self, count: int) -> None:
        self.session.take_back(np.arange(len(self.kept)) >= len(self.kept) - count)
        self.taken_back += min(count, len(self.kept))
        self.kept = self.kept[: max(0, len(self.kept) - count)]
        self.pinned = [at for at in self.pinned if at in self.kept]
        self.can_draw = False


def same_cells(one: Session, other: Session) -> None:
    np.testing.assert_array_equal(one.logits(), other.logits())
    for name in ("positions", "tokens", "pinned", "importance"):
        np.testing.assert_array_equal(getattr(one.cells, name), getattr(other.cells, name))
    engines = (one.engine, other.engine)
    states = [e.states(frozenset({"keys", "values"}), one.cells.positions) for e in engines]
    np.testing.assert_equal(states[0], states[1])
    np.testing.assert_array_equal(one._cells.attention, other._cells.attention)


@given(
    steps=st.lists(
        st.tuples(
            st.one_of(
                st.tuples(st.just("feed"), st.integers(1, 60)),
                st.tuples(st.just("pin"), st.integers(1, 6)),
                st.tuples(st.just("generate"), st.integers(1, 20)),
                st.tuples(st.just("drop"), st.integers(0, 99)),
                st.tuples(st.just("take_back"), st.integers(1, 30)),
                st.tuples(st.sampled_from(["fork", "save", "restore"]), st.just(0)),
            ),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=14,
    ),
    policy=st.sampled_from(
        [Streaming(), KeyDiff(recent=4), SnapKV(recent=4, window=4), H2O(recent=4)]
    ),
)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_done_the_book_is_the_cache_and_the_cap_holds(
    steps: list[tuple[tuple[str, int], int]],
    policy: Policy,
    tiny_reader: LlamaModel,
    tmp_path: Path,
) -> None:
    """Sessions, their forks and what was saved of them, each beside lists of its own.

    All are looked at after each step, so that nothing done to one may show in another.
    """
    first = tiny_reader.session(48, policy, cache=CacheOptions(chunk=16))
    talks = [Talk(first, [], [], [])]
    saved: Talk | None = None
    for number, ((what, amount), which) in enumerate(steps):
        talk = talks[which % len(talks)]
        if what in ("feed", "pin"):
            talk.feed(some_tokens(amount, number), pin=what == "pin")
        elif what == "generate" and talk.can_draw:
            talk.generate(tiny_reader.sampler(talk.session, WARM), amount)
        elif what == "drop" and len(talk.kept) > 1:
            talk.drop(amount)
        elif what == "take_back":
            talk.take_back(amount)
        elif what == "fork":
            talks.append(talk.twin(talk.session.fork()))
            if talk.kept:
                same_cells(talk.session, talks[-1].session)
        elif what == "save" and talk.kept:
            talk.session.save(tmp_path / "s")
            saved = talk.twin(tiny_reader.restore(tmp_path / "s", policy)[0])
            same_cells(talk.session, saved.session)
        elif what == "restore" and saved:  # what was done since the save is not in the file
            talks.append(saved.twin(tiny_reader.restore(tmp_path / "s", policy)[0]))
            same_cells(talks[-1].session, saved.session)
        for one in [*talks, *([saved] if saved else [])]:
            one.check()


def test_a_kill_during_a_save_leaves_the_old_file(tiny_reader: LlamaModel, tmp_path: Path) -> None:
    path = tmp_path / "chat.session"
    session = tiny_reader.session(64)
    session.feed(some_tokens(30))
    session.save(path)
    old = path.read_bytes()
    child = """
import sys, os, numpy as np
from pathlib import Path
from edgelingua.llama import LlamaModel
session = LlamaModel(sys.argv[1], threads=1).session(64)
session.feed(np.arange(50, dtype=np.int32))
def wait(*_):
    print("writing", flush=True)
    import time; time.sleep(60)
os.fsync = wait
session.save(sys.argv[2])
"""
    process = subprocess.Popen(
        [sys.executable, "-c", child, str(tiny_reader.path), str(path)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"writing\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert path.read_bytes() == old
    assert len(list(tmp_path.iterdir())) == 2
    restored, _ = tiny_reader.restore(path)  # which takes away what was left behind
    assert restored.cells.tokens.tolist() == some_tokens(30).tolist()
    assert [entry.name for entry in tmp_path.iterdir()] == ["chat.session"]


def test_an_error_while_saving_leaves_the_old_file(
    tiny_reader: LlamaModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "chat.session"
    session = tiny_reader.session(64)
    session.feed(some_tokens(30))
    session.save(path)
    old = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateError, match="No space left"):
        session.save(path)
    assert path.read_bytes() == old
    assert [entry.name for entry in tmp_path.iterdir()] == ["chat.session"]


def test_a_saved_conversation_is_its_owners(tiny_reader: LlamaModel, tmp_path: Path) -> None:
    path = tmp_path / "chat.session"
    session = tiny_reader.session(64)
    session.feed(some_tokens(9))
    session.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    session.save(path)
    assert path.stat().st_mode & 0o777 == 0o640


@dataclass(frozen=True)
class Own(KeyDiff):
    """A policy that somebody wrote for themselves."""


@pytest.mark.parametrize(
    "name", ["", ".", "/", "..", "a\0b", "plain/x", "nowhere/x", "x" * 300, "folder"]
)
def test_names_that_no_file_can_have(name: str, tiny_reader: LlamaModel, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("a file")
    (tmp_path / "folder").mkdir()
    session = tiny_reader.session(64)
    session.feed(some_tokens(9))
    with pytest.raises(StateError, match=r"cannot be written|not the name of a file"):
        session.save(Path(name) if name in {"", ".", "/"} else tmp_path / name)
    assert {entry.name for entry in tmp_path.iterdir()} == {"plain", "folder"}


def test_damaged_and_foreign_files_are_refused(
    tiny_reader: LlamaModel, reader: LlamaModel, tmp_path: Path
) -> None:
    path = tmp_path / "chat.session"
    session = tiny_reader.session(64, KeyDiff())
    with pytest.raises(StateError, match="nothing to save"):
        session.save(path)
    session.feed(some_tokens(30))
    session.save(path)
    whole = path.read_bytes()
    with pytest.raises(StateError, match="saved with model"):
        reader.restore(path)
    with pytest.raises(StateError, match="saved with KeyDiff"):
        tiny_reader.restore(path, Streaming())
    with pytest.raises(StateError, match="No such file"):
        tiny_reader.restore(tmp_path / "none")
    session = tiny_reader.session(64, Own(sinks=2))
    session.feed(some_tokens(9))
    session.save(tmp_path / "other")
    with pytest.raises(StateError, match=r"Own\(sinks=2, recent=32\), which is none of .* give"):
        tiny_reader.restore(tmp_path / "other")
    assert tiny_reader.restore(tmp_path / "other", Own(sinks=2))[0].statistics.used == 9
    random = np.random.default_rng(0)
    damaged = tmp_path / "damaged"
    for size in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        damaged.write_bytes(whole[:size])
        with pytest.raises(StateError, match="damaged"):
            tiny_reader.restore(damaged)
    refused = 0
    for _ in range(60):
        changed = bytearray(whole)
        changed[random.integers(len(whole))] ^= 1 << int(random.integers(8))
        damaged.write_bytes(changed)
        try:
            restored, _ = tiny_reader.restore(damaged)
        except StateError:
            refused += 1
            continue
        # A bit of the zip's own padding or dates: what counts is unharmed.
        assert restored.cells.tokens.tolist() == some_tokens(30).tolist()
    assert refused > 50


def test_any_bit_of_an_arrays_header(tiny_reader: LlamaModel, tmp_path: Path) -> None:
    """Those that numpy reads as Python: its errors are many, and come before the checksum's."""
    path = tmp_path / "chat.session"
    session = tiny_reader.session(64)
    session.feed(some_tokens(30))
    session.save(path)
    whole = path.read_bytes()
    at = whole.index(b"\x93NUMPY", whole.index(b"state.npy"))
    for bit in range(0, 8 * 128, 3):
        changed = bytearray(whole)
        changed[at + bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        with pytest.raises(StateError, match=r"damaged.*CRC"):
            SavedSession.read(path)


def test_policies_in_wrappers_are_taken_up_again(tiny_reader: LlamaModel, tmp_path: Path) -> None:
    policy = load_policy("keydiff", recent=16, smooth=4, block=8)
    session = tiny_reader.session(64, policy)
    session.feed(some_tokens(70))
    session.save(tmp_path / "s")
    restored, _ = tiny_reader.restore(tmp_path / "s")
    assert restored.policy == policy
    for one in (session, restored):
        one.feed(some_tokens(9, 1))
    assert restored.cells.tokens.tolist() == session.cells.tokens.tolist()


def test_a_state_that_is_not_the_books(tiny_reader: LlamaModel, tmp_path: Path) -> None:
    path = tmp_path / "chat.session"
    session = tiny_reader.session(64)
    session.feed(some_tokens(30))
    session.save(path)
    with np.load(path) as file:
        arrays = dict(file)
    arrays["positions"] = arrays["positions"] + 1
    with path.open("wb") as out:
        np.savez(out, allow_pickle=False, **arrays)
    with pytest.raises(StateError, match="not the same ones"):
        tiny_reader.restore(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("counts", {"cap": 10**9}), ("counts", {"cap": -1}), ("counts", {"cap": 2**32 + 64}),
        ("counts", {"peak": 65}), ("counts", {"peak": 2}), ("counts", {"evicted": -1}),
        ("counts", {"cap": "64"}), ("counts", {"block": 0}), ("counts", {"chunk": -1}),
        ("counts", []), ("identity", []), ("identity", {"keys": []}), ("notes", None),
        ("identity", {"flash_attention": "x"}), ("policy", 3),
    ],
)  # fmt: skip
def test_forged_files_are_refused_before_memory_is_set_aside(
    field: str,
    value: Any,
    tiny_reader: LlamaModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "chat.session"
    session = tiny_reader.session(64)
    session.feed(some_tokens(30))
    session.save(path)
    with np.load(path) as file:
        arrays = dict(file)
    about = json.loads(arrays["about"].tobytes())
    about[field] = about[field] | value if isinstance(value, dict) else value
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    with path.open("wb") as out:
        np.savez(out, allow_pickle=False, **arrays)

    def no_engine(*_: Any) -> None:
        raise AssertionError("an engine was made")

    monkeypatch.setattr(LlamaModel, "engine", no_engine)
    with pytest.raises(StateError, match=r"chat\.session: "):
        tiny_reader.restore(path)


@pytest.mark.parametrize(
    ("name", "forge", "message"),
    [
        ("tokens", lambda v: v - 300, "tokens that are none of 300"),
        ("tokens", lambda v: v + 300, "tokens that are none of 300"),
        ("positions", lambda v: v + 500, "position 559 saved; the model was trained for 512"),
        ("positions", lambda v: v - 1, "positions that do not ascend"),
        ("positions", lambda v: v[:-1], "for 59 cells"),
        ("logits", lambda v: np.where(v == v.min(), np.nan, v), "logits that are not numbers"),
        ("logits", lambda v: v[:200], "tokens that are none of 200"),
        ("queries", lambda v: v * np.inf, "queries that are not numbers"),
        ("queries", lambda v: v[:2], "queries saved of 2 layers, the cache has 3"),
        ("queries", lambda v: v[..., :-1], r"queries \(3, 4, 4, 63\) saved"),
        ("queries", lambda v: v[:, :, :3], r"queries \(3, 4, 3, 64\) saved"),
        ("queries", lambda v: v[:, :2], "queries .* at"),
        ("query_positions", lambda v: v - 1, "queries of other tokens"),
        ("attention", lambda v: np.ones((3, 60)), "for a policy that does not ask"),
        ("attention", lambda v: -np.ones((3, 60)), "attention weights that are none"),
        ("importance", lambda v: v[:3], r"importance \(3,\) for 60 cells"),
        ("group", lambda v: v.astype(np.int64), "group of type int64"),
        ("pinned", lambda v: v[None], r"pinned \(1, 60\)"),
        ("state", lambda v: v[:-1], "not laid out"),
        ("state", lambda v: v[None], "of a wrong shape"),
    ],
)  # fmt: skip
def test_forged_columns_are_refused(
    name: str,
    forge: Callable[[NDArray[Any]], NDArray[Any]],
    message: str,
    tiny_reader: LlamaModel,
    tmp_path: Path,
) -> None:
    path = tmp_path / "chat.session"
    listens = name in ("queries", "query_positions", "attention")
    session = tiny_reader.session(62, SnapKV(recent=4, window=4) if listens else Streaming())
    session.feed(some_tokens(60))
    session.save(path)
    assert tiny_reader.restore(path, session.policy)[0].cells.tokens[0] == some_tokens(60)[0]
    with np.load(path) as file:
        arrays = dict(file)
    forged = forge(arrays[name])
    arrays[name] = forged if name == "group" else forged.astype(arrays[name].dtype)
    with path.open("wb") as out:
        np.savez(out, allow_pickle=False, **arrays)
    with pytest.raises(StateError, match=message):
        tiny_reader.restore(path, session.policy)


def test_small_files_that_would_take_much_memory(tiny_reader: LlamaModel, tmp_path: Path) -> None:
    session = tiny_reader.session(64)
    session.feed(some_tokens(30))
    session.save(tmp_path / "s")
    with np.load(tmp_path / "s") as file:
        arrays = dict(file)
    arrays["state"] = np.zeros(10**8, dtype=np.uint8)
    with (tmp_path / "packed").open("wb") as out:
        np.savez_compressed(out, allow_pickle=False, **arrays)
    with pytest.raises(StateError, match="bytes packed into"):
        tiny_reader.restore(tmp_path / "packed")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StateError, match="not a regular file"):
        tiny_reader.restore(tmp_path / "pipe")
    with pytest.raises(StateError, match="not a regular file"):
        tiny_reader.restore(tmp_path)


def test_a_directory_larger_than_any_of_ours(tmp_path: Path) -> None:
    """Each entry of 47 bytes would be an object of hundreds, before anything is compared."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, *[0] * 8, 1, *[0] * 6) + b"a"
    count = 10**5
    size = len(entry) * count
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, size, 0, 0)
    (tmp_path / "s").write_bytes(entry * count + end)
    with pytest.raises(StateError, match="4700000 bytes to be read where at most 65536"):
        SavedSession.read(tmp_path / "s")


def test_a_state_that_promises_more_cells_than_it_has_bytes(tiny_reader: LlamaModel) -> None:
    session = tiny_reader.session(64)
    session.feed(some_tokens(30))
    state = session.engine.state()
    state[12:16] = 255
    with pytest.raises(StateError, match="4294967295 cells in"):
        blob.parse(state)


def test_a_restored_session_reads_in_the_same_chunks(
    tiny_reader: LlamaModel, tmp_path: Path
) -> None:
    session = tiny_reader.session(64, cache=CacheOptions(chunk=32))
    session.feed(some_tokens(30))
    session.save(tmp_path / "s")
    assert tiny_reader.restore(tmp_path / "s")[0].engine.chunk == 32


def test_a_sampler_goes_on_where_another_stopped(tiny_reader: LlamaModel) -> None:
    def drawn(state: SamplerState | None, count: int) -> tuple[list[int], SamplerState]:
        sampler = tiny_reader.sampler(session, WARM, state)
        return [sampler.sample() for _ in range(count)], sampler.state

    session = tiny_reader.session(64)
    session.feed(some_tokens(30))
    whole, _ = drawn(None, 30)
    first, state = drawn(None, 12)
    rest, _ = drawn(state, 18)
    assert first + rest == whole
    assert len(set(whole)) > 10


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C interrupts, also where a shell that runs us in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_between_the_steps_leaves_the_session_whole(tiny_reader: LlamaModel) -> None:
    session = tiny_reader.session(64, KeyDiff(recent=8), cache=CacheOptions(chunk=8))
    session.feed(some_tokens(50))
    interrupted = 0
    for delay in range(40):
        signal.setitimer(signal.ITIMER_REAL, 0.0005 * (1 + delay))
        before = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
        try:
            session.feed(some_tokens(100, delay))
            time.sleep(0.03)
        except KeyboardInterrupt:
            interrupted += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert held(session) == session.cells.positions.tolist()
        assert session.statistics.peak <= 64
    assert interrupted  # how often depends on the machine
