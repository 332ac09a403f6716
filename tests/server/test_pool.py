"""What a request begins with is not read again, and what is drawn is the same as if it were."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from edgelingua.errors import CapError, StateError
from edgelingua.integrations.server.beginnings import Beginnings
from edgelingua.integrations.server.pool import Pool

if TYPE_CHECKING:
    from edgelingua.kv.session import Session
    from edgelingua.llama.model import LlamaModel

pytestmark = pytest.mark.llama

CAP = 64


@pytest.fixture
def pool(tiny_reader: LlamaModel) -> Pool:
    return Pool(lambda: tiny_reader.session(CAP), 2)


def ids(*numbers: int) -> NDArray[np.int32]:
    return np.asarray(numbers, dtype=np.int32)


def read(pool: Pool, tokens: Sequence[int], answer: Sequence[int] = ()) -> tuple[Session, int]:
    """Read tokens as the server does, write an answer, and give the session back."""
    wanted = ids(*tokens)
    session, cached = pool.take(wanted, np.zeros(len(wanted), dtype=bool))
    assert session.cells.tokens.tolist() == list(tokens[:cached])
    session.feed(wanted[cached:])
    logits = session.logits()
    for token in answer:
        session.feed(ids(token))
    pool.give_back(session, len(tokens) + len(answer))
    return session, cached if len(logits) else -1


def test_what_goes_on_takes_its_session(pool: Pool) -> None:
    first, none = read(pool, [5, 6, 7, 8], [9])
    again, cached = read(pool, [5, 6, 7, 8, 9, 10, 11])
    assert (none, cached) == (0, 5)
    assert again is first
    assert len(pool) == 1


def test_the_last_token_is_always_read(pool: Pool) -> None:
    read(pool, [5, 6, 7])
    assert read(pool, [5, 6, 7])[1] == 2


def test_a_common_beginning_is_copied(pool: Pool, tiny_reader: LlamaModel) -> None:
    beginning = list(range(10, 20))
    first, _ = read(pool, [*beginning, *range(30, 50)])
    other, cached = read(pool, [*beginning, *range(60, 66)])
    assert cached == 10
    assert other is not first
    assert read(pool, [*beginning, *range(30, 50), 70])[1] == 30  # the first one is still there
    plain = tiny_reader.session(CAP)
    plain.feed(ids(*beginning, *range(60, 66)))
    np.testing.assert_allclose(other.logits(), plain.logits(), atol=1e-4)


def test_the_least_recently_used_gives_way(pool: Pool) -> None:
    for start in (10, 20, 10, 30):
        read(pool, range(start, start + 8))
    assert len(pool) == 2
    assert read(pool, range(10, 19))[1] == 8
    assert read(pool, range(20, 29))[1] == 0


def test_behind_what_was_evicted_nothing_is_reused(pool: Pool) -> None:
    tokens = list(range(10, 30))
    session, _ = read(pool, tokens, [7] * (CAP - 10))
    assert session.statistics.evicted
    positions = session.cells.positions
    gap = int(np.flatnonzero(positions != np.arange(len(positions)))[0])
    assert read(pool, [*tokens, *[7] * 30])[1] == gap


def test_what_cannot_fit_is_known_before(pool: Pool) -> None:
    read(pool, range(10, 20))
    pool.check_room(np.ones(CAP // 2, dtype=bool))
    with pytest.raises(CapError):
        pool.check_room(np.ones(CAP, dtype=bool))


def test_what_was_saved_is_not_read_again(tiny_reader: LlamaModel, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    tokens = ids(*np.random.default_rng(1).integers(5, 200, 80).tolist())
    opening = 70

    def beginnings(setting: str = "") -> Beginnings:
        def restore(path: Path) -> Session:
            return tiny_reader.restore(path)[0]

        return Beginnings(folder, restore, setting=setting, most_mb=1)

    saved = beginnings()
    session = tiny_reader.session(128)
    session.feed(tokens[:opening])
    saved.keep(session)
    (file,) = folder.iterdir()
    if os.name == "posix":
        assert folder.stat().st_mode & 0o777 == 0o700
        assert file.stat().st_mode & 0o777 == 0o600
    session.feed(tokens[opening:])
    pool = Pool(lambda: tiny_reader.session(128), 1, beginnings())
    again, cached = pool.take(tokens, np.zeros(80, dtype=bool), opening)
    assert cached == opening
    again.feed(tokens[cached:])
    np.testing.assert_allclose(again.logits(), session.logits(), atol=1e-4)
    assert not beginnings("another cap").has(tokens[:opening])
    assert not saved.has(tokens[: opening - 1])
    file.write_bytes(file.read_bytes()[:-99])
    fresh, cached = Pool(lambda: tiny_reader.session(128), 1, saved).take(
        tokens, np.zeros(80, dtype=bool), opening
    )
    assert (len(fresh.cells), cached) == (0, 0)
    assert not list(folder.iterdir())


def test_the_folder_does_not_grow_for_ever(tiny_reader: LlamaModel, tmp_path: Path) -> None:
    saved = Beginnings(tmp_path / "s", lambda _: tiny_reader.session(2), setting="", most_mb=0.3)
    sizes = []
    for start in range(20):
        session = tiny_reader.session(128)
        session.feed(ids(*range(5 + start, 105 + start)))
        saved.keep(session)
        sizes.append(sum(path.stat().st_size for path in (tmp_path / "s").iterdir()))
        assert saved.has(session.cells.tokens)
    assert max(sizes) <= 300_000 < 20 * sizes[0]


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_folder_that_others_can_read_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(StateError, match="chmod 700"):
        Beginnings(tmp_path, lambda _: None, setting="")  # type: ignore[arg-type, return-value]
