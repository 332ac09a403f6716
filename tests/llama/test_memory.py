"""Memories through llama.cpp: keys that are turned, adapters that are off again."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray

from edgelingua import Assistant, Budget, Chat, Memory, MemoryAdapter, load_compressor, remember
from edgelingua.errors import BundleError, CapError, InputError, ReaderError, StateError
from edgelingua.kv import blob
from edgelingua.kv.memory import Portion
from edgelingua.kv.options import CacheOptions, CacheType
from edgelingua.kv.policies import POLICIES, Streaming, load_policy
from edgelingua.kv.session import Session
from edgelingua.kv.state import Signal
from edgelingua.llama.adapter import LlamaAdapter
from edgelingua.llama.engine import LlamaEngine
from edgelingua.llama.model import LlamaModel, Sampling
from edgelingua.remembering import portions_of
from tests import tiny_gguf
from tests.conftest import DOCUMENT, ROOT

ADAPTERS = ROOT / "models" / "edgelingua-memory"
BOTH: frozenset[Signal] = frozenset({"keys", "values"})
EXACT = CacheOptions(flash_attention=False)
"""Flash attention adds up in half precision, in the order of cells."""


def some(n: int, seed: int = 0) -> NDArray[np.int32]:
    return np.random.default_rng(seed).integers(0, 300, n).astype(np.int32)


def begun(reader: LlamaModel, before: int = 10, cache: CacheOptions = EXACT) -> Session:
    session = reader.session(128, Streaming(0, 0), cache=cache)
    session.feed(some(before), pinned=True)
    return session


def document(count: int = 60) -> Portion:
    return Portion(some(count, 1), np.arange(count) % 7 == count % 7 - 1)


def cells(session: Session) -> Any:
    return session.engine.states(BOTH, session.cells.positions)


@pytest.fixture(scope="module")
def lora(tiny_reader: LlamaModel, tmp_path_factory: pytest.TempPathFactory) -> LlamaAdapter:
    """Changes the queries and values of the first layer."""
    path = tmp_path_factory.mktemp("lora") / "adapter.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 4)
    draw, layout = np.random.default_rng(3), tiny_reader.layout
    for name, rows in (("attn_q", tiny_reader.width), ("attn_v", layout.heads * layout.value_size)):
        for part, shape in (("lora_a", (2, tiny_reader.width)), ("lora_b", (rows, 2))):
            values = draw.normal(size=shape).astype(np.float32)
            writer.add_tensor(f"blk.0.{name}.weight.{part}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return LlamaAdapter(tiny_reader, path)


@pytest.mark.parametrize("flash", [True, False])
def test_states_are_written_as_llama_cpp_does(flash: bool, tiny_reader: LlamaModel) -> None:
    state = begun(tiny_reader, 30, CacheOptions(flash_attention=flash)).engine.state()
    (part,) = blob.parse(state)
    np.testing.assert_array_equal(blob.write(part), state)


@pytest.mark.parametrize("flash", [True, False])
@pytest.mark.parametrize("before", [3, 10, 45])
def test_keys_are_those_that_llama_cpp_would_have_there(
    before: int, flash: bool, tiny_reader: LlamaModel
) -> None:
    """Of the first layer, which knows of a token itself and its position alone."""
    cache = CacheOptions(flash_attention=flash)
    memory = begun(tiny_reader, 10, cache).distil([document()], "x")
    session, read = begun(tiny_reader, before, cache), begun(tiny_reader, before, cache)
    logits = session.logits()
    session.attach(memory)
    np.testing.assert_array_equal(session.logits(), logits)
    read.feed(some(60, 1))
    kept = np.append(np.ones(before, bool), document().kept)
    assert session.cells.positions.tolist() == read.cells.positions[kept].tolist()
    there, expected = cells(session), cells(read)
    for name in BOTH:
        np.testing.assert_allclose(
            there[name][0], expected[name][0][kept], rtol=2**-10, atol=2e-3, err_msg=name
        )
    for one in (session, read):
        one.feed(some(5, 2))


def test_in_its_own_place_it_is_as_if_it_had_been_read(tiny_reader: LlamaModel) -> None:
    first, second = begun(tiny_reader), begun(tiny_reader)
    second.attach(first.distil([document()], "x"))
    for one in (first, second):
        one.feed(some(9, 2))
    np.testing.assert_allclose(second.logits(), first.logits(), atol=1e-4)


def test_positions_end_where_the_model_was_trained_for(tiny_reader: LlamaModel) -> None:
    """Gaps are closed, before the memory and in it, and keys turned for that."""
    session = begun(tiny_reader, 10)
    memory = session.distil([document()], "x")
    session = begun(tiny_reader, 40)
    far = tiny_reader.trained_length - 60
    session._cells.positions[4:] += far
    session.engine.shift(4, 40, far)
    session.feed(some(1))
    session.attach(memory)
    assert session.cells.positions[-1] < tiny_reader.trained_length - 1
    session.feed(some(100, 3))
    assert np.isfinite(session.logits()).all()


def test_a_document_longer_than_the_model_was_trained_for(tiny_reader: LlamaModel) -> None:
    length = tiny_reader.trained_length
    part = Portion(some(60, 1), np.arange(60) % 30 == 29)
    session = begun(tiny_reader)
    memory = session.distil([part] * (length // 60 + 5), "x")
    assert memory.tokens_in > length > memory.positions[-1]
    assert len(memory) == 2 * (length // 60 + 5)
    assert session.statistics.peak <= 128
    other = begun(tiny_reader, 40)
    other.attach(memory)
    other.feed(some(100, 3))
    assert other.cells.tokens[40 : 40 + len(memory)].tolist() == memory.tokens.tolist()
    assert np.isfinite(other.logits()).all()


def test_several_memories_saved_restored_and_forked(
    tiny_reader: LlamaModel, tmp_path: Path
) -> None:
    vectors = np.random.default_rng(0).normal(size=(3, tiny_reader.width)).astype(np.float32)
    learned = Portion(some(30, 2), np.zeros(30, bool), vectors)
    memories = [begun(tiny_reader).distil([part], "x") for part in (document(), learned)]
    session = begun(tiny_reader, 20)
    for number, memory in enumerate(memories):
        memory.save(tmp_path / f"{number}.soft")
        session.attach(Memory.load(tmp_path / f"{number}.soft"), group=number + 1)
    assert session.groups.tolist() == [0] * 20 + [1] * len(memories[0]) + [2] * 3
    session.save(tmp_path / "saved")
    restored, _ = tiny_reader.restore(tmp_path / "saved")
    for one in (session, restored, session.fork()):
        assert one.cells.tokens[20:].tolist() == [*memories[0].tokens, *memories[1].tokens]
        one.feed(some(9, 4))
        np.testing.assert_allclose(one.logits(), session.logits(), atol=1e-4)


@pytest.mark.parametrize("name", POLICIES)
def test_memories_stay_under_every_policy(name: str, tiny_reader: LlamaModel) -> None:
    session = tiny_reader.session(96, load_policy(name), cache=EXACT)
    session.feed(some(96), pinned=np.arange(96) < 5)
    memory = begun(tiny_reader).distil([document()], "x")
    for _ in range(2):
        session.attach(memory)
    for seed in range(3):
        session.feed(some(40, seed))
        held = session.cells
        assert len(held) <= 96
        assert held.tokens[held.pinned].tolist() == [*some(5), *memory.tokens, *memory.tokens]
    assert session.statistics.peak <= 96


def test_an_adapter_works_in_its_own_steps_alone(
    tiny_reader: LlamaModel, lora: LlamaAdapter
) -> None:
    plain, adapted = begun(tiny_reader), begun(tiny_reader)
    without, with_it = (
        one.distil([document()], "x", adapter=adapter)
        for one, adapter in ((plain, None), (adapted, lora))
    )
    assert (without.adapter, with_it.adapter) == ("", lora.digest)
    assert np.abs(with_it.values.astype(float) - without.values).max() > 0.1, "it does nothing"
    # What was read before and comes later is the reader's own.
    session = begun(tiny_reader)
    session.attach(with_it)
    for one in (adapted, session):
        one.feed(some(9, 2))
    np.testing.assert_allclose(adapted.logits(), session.logits(), atol=1e-4)


@pytest.mark.parametrize("how", ["error", "ctrl-c"])
def test_it_is_off_again_whatever_ends_the_reading(
    how: str, tiny_reader: LlamaModel, lora: LlamaAdapter
) -> None:
    session, twin = begun(tiny_reader), begun(tiny_reader)
    state = session.engine.state()

    def stop(done: int, _: int) -> None:
        if done and how == "error":
            raise ValueError("stopped")
        if done:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises((ValueError, KeyboardInterrupt)):
        session.distil([document()] * 2, "x", adapter=lora, progress=stop)
    np.testing.assert_array_equal(session.engine.state(), state)
    assert session.statistics == twin.statistics
    for one in (session, twin):
        one.feed(some(9, 2))
    np.testing.assert_allclose(session.logits(), twin.logits(), atol=1e-5)


def test_vectors_are_read_as_tokens_are(tiny_reader: LlamaModel) -> None:
    (table,) = (
        tensor.data
        for tensor in gguf.GGUFReader(tiny_reader.path).tensors
        if tensor.name == "token_embd.weight"
    )
    tokens = some(12)
    read, fed = LlamaEngine(tiny_reader, 64, EXACT), LlamaEngine(tiny_reader, 64, EXACT)
    read.decode(tokens, 0)
    fed.decode(np.asarray(table[tokens], np.float32), 0)
    np.testing.assert_array_equal(fed.logits(), read.logits())
    with pytest.raises(ReaderError, match=f"this model has {tiny_reader.width}"):
        fed.decode(np.zeros((2, 7), np.float32), 12)


@pytest.mark.parametrize("kinds", [("q8_0", "f16"), ("f16", "q8_0"), ("q4_0", "q4_0")])
def test_a_quantized_cache_is_refused(
    kinds: tuple[CacheType, CacheType], tiny_reader: LlamaModel
) -> None:
    memory = begun(tiny_reader).distil([document()], "x")
    session = begun(tiny_reader, 10, CacheOptions(*kinds))
    for action in (lambda: session.attach(memory), lambda: session.distil([document()], "x")):
        with pytest.raises(StateError, match="memories need keys and values in f16"):
            action()
    assert session.statistics.used == 10


def test_other_readers_are_refused(
    tiny_reader: LlamaModel, reader: LlamaModel, lora: LlamaAdapter, tmp_path: Path
) -> None:
    session = reader.session(256)
    session.feed(reader.tokenize("Some words."))
    with pytest.raises(StateError, match="made for another reader"):
        session.attach(begun(tiny_reader).distil([document()], "x"))
    with pytest.raises(ReaderError, match="not loaded for this model"):
        session.distil([document()], "x", adapter=lora)
    assert session.statistics.used == len(reader.tokenize("Some words."))
    with pytest.raises(ReaderError, match="no adapter for tiny"):
        LlamaAdapter(tiny_reader, ADAPTERS / "keep" / "adapter.gguf")
    with pytest.raises(ReaderError, match="cannot be read"):
        LlamaAdapter(tiny_reader, tmp_path / "none.gguf")
    with pytest.raises(BundleError, match=r"trained for smollm2.*the reader is tiny"):
        MemoryAdapter.load(ADAPTERS / "keep", tiny_reader)
    with pytest.raises(BundleError, match="trained for qwen"):
        MemoryAdapter.load(ADAPTERS / "keep-qwen", reader)
    gemma = LlamaModel(tiny_gguf.write_gemma(tmp_path / "gemma.gguf"), threads=1)
    session = gemma.session(64)
    session.feed(some(5))
    with pytest.raises(StateError, match="do not all keep the same keys"):
        session.distil([document(20)], "x")


def _other(name: str, value: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        about = json.loads((folder / "memory.json").read_text("utf-8"))
        at, _, key = name.rpartition(".")
        (about[at] if at else about)[key] = value
        (folder / "memory.json").write_text(json.dumps(about), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "memory.json").unlink(), "not an adapter for memories"),
        (lambda folder: (folder / "memory.json").write_bytes(b"\xff{"), "not an adapter"),
        (lambda folder: (folder / "memory.json").write_text("[]"), "not an adapter"),
        (lambda folder: (folder / "vectors.npy").unlink(), "not an adapter"),
        (lambda folder: (folder / "adapter.gguf").write_bytes(b"GGUF"), "is not the file"),
        (_other("format", 2), "format 2, expected 1"),
        (_other("before", 3), "texts that are none"),
        (_other("memory.segment", 0), "segments of 0 tokens"),
        (_other("memory.learned", 63), r"learned tokens \(64, 576\), expected \(63, 576\)"),
        (_other("files", {}), "not an adapter"),
        (_other("reader.sha256", "0" * 64), "trained for smollm2"),
    ],
)
def test_a_damaged_adapter_is_refused(
    change: Callable[[Path], None], said: str, reader: LlamaModel, tmp_path: Path
) -> None:
    folder = shutil.copytree(ADAPTERS / "tail", tmp_path / "tail")
    change(folder)
    with pytest.raises(BundleError, match=said):
        MemoryAdapter.load(folder, reader)


def test_documents_that_cannot_be_remembered(reader: LlamaModel) -> None:
    tail = MemoryAdapter.load(ADAPTERS / "tail", reader)
    text = DOCUMENT.read_text(encoding="utf-8")
    for blank in ("", " \n"):
        with pytest.raises(InputError, match="empty or blank"):
            remember(reader, blank, 8)
    with pytest.raises(InputError, match="8 cells for a document of 3 tokens: expected 1 to 2"):
        remember(reader, "A short one", 8)
    with pytest.raises(InputError, match=r"4475 tokens: expected 9 to 576"):
        remember(reader, text, 577, adapter=tail)
    with pytest.raises(InputError, match=r"4475 tokens: expected 9 to 4474"):
        remember(reader, text, 8)
    with pytest.raises(CapError, match="was trained for 8192"):
        remember(reader, text * 4, 8000)
    parts = portions_of(reader, text, 100)
    assert sum(len(part.tokens) for part in parts) == 4475
    assert [int(part.stays.sum()) for part in parts] == [12] + [11] * 8
    assert max(len(part.tokens) for part in parts) <= 512


@pytest.fixture(scope="module")
def extract() -> str:
    """Some 300 tokens around the fire of Boston."""
    text = DOCUMENT.read_text(encoding="utf-8")
    at = text.index("devastating fire")
    return text[max(0, at - 700) : at + 700]


@pytest.mark.long
def test_a_shipped_adapter_answers_from_its_memory(
    reader: LlamaModel, extract: str, tmp_path: Path
) -> None:
    """Behind other system prompts, so that keys are turned; then past the cap, and saved."""
    adapter = MemoryAdapter.load(ADAPTERS / "keep", reader)
    memory = remember(reader, extract, 40, adapter=adapter)
    assert hashlib.sha256((ADAPTERS / "keep" / "adapter.gguf").read_bytes()).hexdigest() == (
        memory.adapter
    )
    question = "Which city had a devastating fire?"
    assistant = Assistant(load_compressor(count=reader.count), reader, cap=256, memories=[memory])
    reply = assistant.ask("", question, max_tokens=16)
    assert "Boston" in reply.text
    assert reply.compressed.text == question
    with_text = assistant.ask("The fire began on Summer Street.", question, Budget(tokens=30))
    assert with_text.cache.peak > reply.cache.peak
    with pytest.raises(CapError, match="memories"):
        Assistant(assistant.compressor, reader, cap=128, memories=[memory, memory]).ask(
            "", question
        )
    chat = Chat(
        reader, reader.session(160), "Be brief.", Sampling(temperature=0.0), memories=[memory]
    )
    with pytest.raises(InputError, match="chat that has begun"):
        chat.begin([memory])
    for text in (question, "My cat is called Tom. " * 4, "My dog is called Max. " * 5):
        chat.say(text, limit=10)
    chat.save(tmp_path / "chat")
    for one in (chat, chat.fork(), Chat.load(reader, tmp_path / "chat")):
        tokens = one.session.cells.tokens.tolist()
        assert any(
            tokens[at : at + len(memory)] == memory.tokens.tolist() for at in range(len(tokens))
        )
        one.say("Is that so?", limit=4)
        assert one.session.statistics.peak <= 160
