"""What a GGUF file's header says of the model, read without llama.cpp."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from edgelingua.errors import ModelNotFoundError, ReaderError
from edgelingua.llama.gguf_facts import GgufFacts
from edgelingua.models.registry import DEFAULT_READER, REGISTRY, fetch
from tests.cli.test_cli import edgelingua

STRING, UINT32, ARRAY = 8, 4, 9


@pytest.fixture(scope="module")
def smollm() -> Path:
    return fetch(DEFAULT_READER)


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def entry(key: str, kind: int, value: bytes) -> bytes:
    return string(key) + struct.pack("<I", kind) + value


def a_file(entries: list[bytes], tensors: list[tuple[int, ...]]) -> bytes:
    header = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(entries)) + b"".join(entries)
    for number, shape in enumerate(tensors):
        header += string(f"tensor.{number}") + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        header += struct.pack("<IQ", 0, 0)
    return header


ENTRIES = [
    entry("general.architecture", STRING, string("tiny")),
    entry("general.license", STRING, string("mit")),
    entry("tiny.context_length", UINT32, struct.pack("<I", 4096)),
    entry("tiny.block_count", UINT32, struct.pack("<I", 3)),
    entry(
        "tiny.attention.head_count_kv", ARRAY, struct.pack("<IQ3I", UINT32, 3, 1, 2, 1)
    ),  # a value for each layer
    entry(
        "tokenizer.ggml.tokens", ARRAY, struct.pack("<IQ", STRING, 2) + string("a") + string("b")
    ),
]


def test_a_header_is_told_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(a_file(ENTRIES, [(8, 16), (16,), (2, 3, 5)]))
    assert GgufFacts.read(file) == GgufFacts(
        architecture="tiny",
        name="",
        licence="mit",
        size_bytes=file.stat().st_size,
        parameters=8 * 16 + 16 + 30,
        context_tokens=4096,
        layers=3,
        heads=None,
        key_heads=None,
        window=0,
        vocabulary=2,
        chat_template=False,
    )
    shown = edgelingua("models", "inspect", file).stdout
    for told in ("tiny", "4,096 tokens", "mit", str(file), "tiny.gguf", "none: it does not answer"):
        assert told in shown


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cut.gguf"
    whole = a_file(ENTRIES, [(8, 16), (16,)])
    for end in range(len(whole)):
        file.write_bytes(whole[:end])
        with pytest.raises(ReaderError, match=r"cut\.gguf: "):
            GgufFacts.read(file)
    file.write_bytes(a_file(ENTRIES, [(1,) * 99]))
    with pytest.raises(ReaderError, match="99 dimensions"):
        GgufFacts.read(file)
    with pytest.raises(ReaderError, match="cannot be read"):
        GgufFacts.read(tmp_path / "none.gguf")


@pytest.mark.parametrize("name", REGISTRY)
def test_every_listed_name_can_be_inspected(name: str) -> None:
    done = edgelingua("models", "inspect", name, "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["licence"] == REGISTRY[name].licence
    assert facts["files"].keys() == REGISTRY[name].files.keys()
    shown = edgelingua("models", "inspect", name).stdout
    for record in REGISTRY[name].files.values():
        assert record.sha256 in shown


def test_the_default_reader_needs_no_llama_cpp_to_be_inspected(smollm: Path) -> None:
    script = (
        "import sys; from edgelingua.llama.gguf_facts import GgufFacts; from pathlib import Path\n"
        "facts = GgufFacts.read(Path(sys.argv[1]))\n"
        "assert 'llama_cpp' not in sys.modules\n"
        "assert facts.architecture == 'llama' and facts.chat_template\n"
        "assert (facts.layers, facts.heads, facts.key_heads) == (30, 9, 3)\n"
        "assert (facts.parameters, facts.vocabulary) == (134_515_008, 49_152)\n"
    )
    subprocess.run([sys.executable, "-c", script, smollm], check=True)


@pytest.mark.llama
def test_a_reader_is_a_name_or_a_path(smollm: Path, tmp_path: Path) -> None:
    from edgelingua.llama.model import LlamaModel

    for reference in (DEFAULT_READER, str(smollm), smollm):
        assert LlamaModel(reference, vocabulary_only=True).path == smollm
    with pytest.raises(ModelNotFoundError, match="not a known model that reads"):
        LlamaModel("smollm3")
    with pytest.raises(ReaderError, match="cannot be read"):
        LlamaModel(tmp_path / "none.gguf")
