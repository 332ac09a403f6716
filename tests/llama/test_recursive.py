"""A text without end: cells never exceed what they may be, and nothing is lost or read twice."""

from __future__ import annotations

import itertools
import signal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua import MemoryAdapter, RecursiveMemory
from edgelingua.errors import CapError, InputError
from edgelingua.llama.model import LlamaModel
from tests import tiny_gguf
from tests.conftest import DOCUMENT, ROOT

TEXT = DOCUMENT.read_text(encoding="utf-8")
WORDS = st.text("ab é🙂\n.,\u0301", max_size=200)


@pytest.fixture(scope="module")
def bytewise(tmp_path_factory: pytest.TempPathFactory) -> LlamaModel:
    """A reader of single bytes, trained for 512: segments end inside characters, gaps close."""
    path = tiny_gguf.write_bytes_llama(tmp_path_factory.mktemp("gguf") / "bytes.gguf")
    return LlamaModel(path, threads=1)


def made(reader: LlamaModel, segment: int = 24, recent: int = 5) -> RecursiveMemory:
    return RecursiveMemory(reader, 128, 20, segment=segment, ratio=4, recent=recent)


@settings(max_examples=15, deadline=None)
@given(
    pieces=st.lists(
        st.one_of(WORDS, st.integers(0, 4000).map(lambda at: TEXT[at : at + 200])), max_size=6
    ),
    segment=st.sampled_from([8, 24, 40]),
    recent=st.integers(0, 20),
)
def test_it_is_bounded_and_loses_nothing(
    bytewise: LlamaModel, pieces: list[str], segment: int, recent: int
) -> None:
    memory = made(bytewise, segment, recent)
    begun = len(memory.session().cells)
    read, at = "", 0
    for piece in pieces:
        memory.read(piece)
        read += piece
        assert read.endswith(memory.waiting)
        gone = read[: len(read) - len(memory.waiting)]
        assert len(gone) >= at, "what was distilled came back"
        at = len(gone)
        assert sum(len(part.worth) for part in memory.parts) <= 20
        waiting = bytewise.tokenize_part(memory.waiting)
        assert len(waiting) < recent + segment + 8
        session = memory.session()
        held = sum(len(part.worth) for part in memory.parts)
        assert len(session.cells) == begun + held + len(waiting)
        assert session.statistics.peak <= 128


def test_what_is_long_ago_has_fewer_cells_for_as_many_tokens(bytewise: LlamaModel) -> None:
    memory = made(bytewise)
    memory.read(TEXT[:2000])
    coarse = [part.tokens / len(part.worth) for part in memory.parts]
    assert len(coarse) >= 2
    assert all(first >= second for first, second in itertools.pairwise(coarse))
    assert coarse[0] > coarse[-1]
    assert coarse[-1] < 6  # the last one is new


def test_it_does_not_matter_how_the_text_comes(bytewise: LlamaModel) -> None:
    whole, bits = made(bytewise), made(bytewise)
    whole.read(TEXT[:600])
    for at in range(0, 600, 100):
        bits.read(TEXT[at : min(at + 100, 600)])
    assert [part.tokens for part in whole.parts] == [part.tokens for part in bits.parts]
    assert whole.waiting == bits.waiting
    assert np.array_equal(whole.session().cells.tokens, bits.session().cells.tokens)


def test_ctrl_c_leaves_what_was_read(bytewise: LlamaModel) -> None:
    memory = made(bytewise)

    def stop(done: int, _: int) -> None:
        if done >= 100:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        memory.read(TEXT[:600], progress=stop)
    other = made(bytewise)
    assert TEXT[:600].endswith(memory.waiting)
    other.read(TEXT[:600])
    memory.read("")
    assert memory.waiting == other.waiting
    assert np.array_equal(memory.session().cells.tokens, other.session().cells.tokens)


def test_what_it_cannot_be(bytewise: LlamaModel) -> None:
    with pytest.raises(CapError, match="a cap of 40: 20 cells of memories"):
        RecursiveMemory(bytewise, 40, 20, segment=24, ratio=4)
    with pytest.raises(InputError, match="room for two"):
        RecursiveMemory(bytewise, 128, 10, segment=24, ratio=4)
    with pytest.raises(InputError, match="at most 23 cells"):
        RecursiveMemory(bytewise, 128, 60, segment=24, ratio=1)
    with pytest.raises(InputError, match="surrogate"):
        made(bytewise).read("a\udc00")


def test_it_answers_and_stays_as_it_is(bytewise: LlamaModel) -> None:
    memory = made(bytewise)
    memory.read(TEXT[:300])
    before = memory.session().cells.tokens
    said = memory.ask("Where?", max_tokens=100)
    assert said == memory.ask("Where?", max_tokens=100)
    assert np.array_equal(memory.session().cells.tokens, before)
    with pytest.raises(CapError):
        memory.ask("Where? " * 20)
    with pytest.raises(InputError, match="surrogate"):
        memory.ask("a\udc00")


@pytest.mark.long
def test_adapters_write_it_too(reader: LlamaModel) -> None:
    adapter = MemoryAdapter.load(ROOT / "models" / "edgelingua-memory" / "tail", reader)
    memory = RecursiveMemory(reader, 256, 16, adapter=adapter, segment=64, recent=16)
    memory.read(TEXT[:1000])
    assert [len(part.worth) for part in memory.parts] == [8, 8]
    assert memory.session().statistics.peak <= 256
