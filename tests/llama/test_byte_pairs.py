"""Counting without llama.cpp gives llama.cpp's number, or none."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua.llama.byte_pairs import BytePairs
from edgelingua.llama.gguf_metadata import read_metadata
from edgelingua.llama.model import LlamaModel
from edgelingua.models import registry
from tests import tiny_gguf
from tests.cli.test_cli import edgelingua
from tests.conftest import DOCUMENT, TEXTS


@pytest.fixture(scope="module")
def smollm() -> Path:
    return registry.fetch(registry.DEFAULT_READER)


@pytest.fixture(scope="module")
def vocabulary(smollm: Path) -> LlamaModel:
    return LlamaModel(smollm, vocabulary_only=True)


@pytest.fixture(scope="module")
def pairs(smollm: Path) -> BytePairs:
    found = BytePairs.read(smollm)
    assert found
    return found


def test_the_texts_of_the_other_tests(pairs: BytePairs, vocabulary: LlamaModel) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    for text in ("", *TEXTS.values(), document[:9000], *document.split("\n\n")[:50]):
        assert pairs.count(text) == vocabulary.count(text)


@given(st.text(max_size=60) | st.text(" \t\n\r'’.,-09azAZéßж中ก<|>_\u200b\u3000", max_size=80))
@settings(max_examples=500, deadline=None)
def test_any_text(pairs: BytePairs, vocabulary: LlamaModel, text: str) -> None:
    number = pairs.count(text)
    assert number is None or number == vocabulary.count(text)


def test_every_character(pairs: BytePairs, vocabulary: LlamaModel) -> None:
    """By blocks of sixteen, between what could be split or merged with them; most are counted."""
    counted = 0
    for start in (*range(0, 0xD800, 16), *range(0xE000, 0x32400, 16), *range(0xE0000, 0xE0200, 16)):
        text = "".join(f"a{c}b {c} {c}{c}1{c}\n" for c in map(chr, range(start, start + 16))
                       if unicodedata.category(c) != "Cn")  # fmt: skip
        number = pairs.count(text)
        counted += number is not None
        assert number is None or number == vocabulary.count(text), hex(start)
    assert counted > 9000


def test_what_is_left_to_llama_cpp(pairs: BytePairs) -> None:
    assert pairs.count("x" * 101) is None  # a word without end takes time
    assert pairs.count("word " * 10_001) is None  # so does a text
    assert pairs.count("\x04") is None  # this vocabulary lacks that byte
    assert pairs.count("\U000e1000") is None  # not assigned


def test_other_tokenizers_are_left_to_llama_cpp(tmp_path: Path) -> None:
    assert BytePairs.read(tiny_gguf.write_gemma(tmp_path / "gemma", chat=True)) is None
    assert BytePairs.read(tmp_path / "none") is None


def test_the_file_is_as_the_counter_takes_for_granted(smollm: Path) -> None:
    keys = [f"tokenizer.ggml.{name}" for name in ("tokens", "token_type", "merges")]
    tokens, kinds, merges = map(read_metadata(smollm, keys).__getitem__, keys)
    normal, control = 1, 3  # llama.cpp looks for those of other kinds first
    assert set(kinds) == {normal, control}
    known = {token for token, kind in zip(tokens, kinds, strict=True) if kind == normal}
    assert known.issuperset(merge.replace(b" ", b"") for merge in merges)


def test_a_damaged_file_is_left_to_llama_cpp(smollm: Path, tmp_path: Path) -> None:
    with smollm.open("rb") as whole:
        raw = whole.read(2_000_000)
    file = tmp_path / "other.gguf"
    for other in (b"", raw[:1_000_000], b"GGML" + raw[4:], raw.replace(b"smollm", b"qwen-2")):
        file.write_bytes(other)
        assert BytePairs.read(file) is None


@given(at=st.integers(0, 1500), byte=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_a_damaged_header_is_refused_or_read(
    smollm: Path, tmp_path_factory: pytest.TempPathFactory, at: int, byte: int
) -> None:
    file = tmp_path_factory.getbasetemp() / "damaged.gguf"
    with smollm.open("rb") as whole:
        raw = bytearray(whole.read(3000))
    raw[at] = byte
    file.write_bytes(raw)
    try:
        read_metadata(file, ["general.architecture"])
    except ValueError as error:
        assert str(error)


def test_compressing_a_short_text_loads_only_what_it_needs(smollm: Path) -> None:
    script = (
        "import sys; from edgelingua.__main__ import main\n"
        "sys.argv = ['edgelingua', 'compress', '-', '--json']\n"
        "try: main()\n"
        "finally: print('loaded:', *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=b"Some words to count.", capture_output=True,
        check=True,
    )  # fmt: skip
    loaded = done.stderr.partition(b"loaded:")[2].decode().split()
    assert "edgelingua.scorers.classifier" in loaded
    assert "llama_cpp" not in loaded
    for module in ("parity", "kv.policies", "doctor.examination", "explain"):
        assert f"edgelingua.{module}" not in loaded
    assert "edgelingua.scorers.perplexity" not in loaded
    assert smollm.name.encode() in done.stdout


def test_a_long_one_is_counted_by_it(vocabulary: LlamaModel) -> None:
    text = "x" * 300
    done = edgelingua("compress", "--method", "truncate", "--rate", "1", "--json", stdin=text)
    assert f'"tokens_in": {vocabulary.count(text)}' in done.stdout
