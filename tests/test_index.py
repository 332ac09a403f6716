"""A document encoded once: its file, and what is refused of it."""

from __future__ import annotations

import json
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgelingua import Budget, Prompt, SentenceEncoder, SentenceIndex, load_compressor
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressors import with_index
from edgelingua.errors import InputError, StateError
from edgelingua.text.sentences import sentence_spans
from tests.conftest import DOCUMENT, TEXTS

TEXT = DOCUMENT.read_text(encoding="utf-8")[:2500] + "".join(TEXTS.values())
QUESTION = "Which city had a devastating fire?"


@pytest.fixture(scope="module")
def index(sentence_bundle: ModelBundle) -> SentenceIndex:
    return SentenceIndex.of(TEXT, SentenceEncoder(sentence_bundle))


def test_an_index_comes_back_from_its_file(index: SentenceIndex, tmp_path: Path) -> None:
    path = tmp_path / "text.npz"
    index.save(path)
    loaded = SentenceIndex.load(path)
    assert (loaded.text, loaded.bundle) == (TEXT, index.bundle)
    np.testing.assert_array_equal(loaded.sentences.spans, index.sentences.spans)
    np.testing.assert_allclose(loaded.sentences.vectors, index.sentences.vectors, atol=1e-3)
    assert path.stat().st_mode & 0o077 == 0 or path.drive, "the text is its owner's"
    before = path.read_bytes()
    loaded.save(path)
    assert path.read_bytes() == before


def test_a_damaged_file_is_refused(index: SentenceIndex, tmp_path: Path) -> None:
    path, draw = tmp_path / "text.npz", random.Random(0)
    index.save(path)
    whole = path.read_bytes()
    for _ in range(200):
        raw = bytearray(whole)
        if draw.random() < 0.3:
            del raw[draw.randrange(len(raw)) :]
        else:
            raw[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
        path.write_bytes(raw)
        try:
            loaded = SentenceIndex.load(path)
        except StateError as error:
            assert str(path) in str(error)
        else:  # a byte that nobody reads
            assert loaded.text == TEXT
            np.testing.assert_array_equal(loaded.sentences.spans, index.sentences.spans)


def _forged(path: Path, **changed: NDArray[Any]) -> None:
    with np.load(path) as arrays:
        found = {name: arrays[name] for name in arrays.files} | changed
    np.savez(path, **found)


def test_a_forged_file_is_refused(index: SentenceIndex, tmp_path: Path) -> None:
    path = tmp_path / "text.npz"
    vectors = index.sentences.vectors.astype(np.float16)
    other: dict[str, NDArray[Any]] = {
        "text": np.frombuffer(TEXT.replace("Boston", "London").encode(), dtype=np.uint8),
        "vectors": -vectors,
        "spans": index.sentences.spans + 1,
    }
    for name, array in other.items():
        index.save(path)
        _forged(path, **{name: array})
        with pytest.raises(StateError, match="damaged, or not an index"):
            SentenceIndex.load(path)
    about = {"mark": "edgelingua index", "format": 99}
    index.save(path)
    _forged(path, about=np.frombuffer(json.dumps(about).encode(), dtype=np.uint8))
    with pytest.raises(StateError, match="format 99, expected 1"):
        SentenceIndex.load(path)


def test_what_is_no_index_is_refused(index: SentenceIndex, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot be read"):
        SentenceIndex.load(tmp_path / "none.npz")
    with pytest.raises(StateError, match="damaged, or not an index"):
        SentenceIndex.load(DOCUMENT)
    bomb = tmp_path / "bomb.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("about.npy", b"\0" * 10_000_000)
    with pytest.raises(StateError, match="packed into"):
        SentenceIndex.load(bomb)
    with pytest.raises(StateError, match="cannot be written"):
        index.save(tmp_path / "none" / "text.npz")


def test_questions_are_answered_as_without_it(
    index: SentenceIndex, sentence_bundle: ModelBundle
) -> None:
    plain = load_compressor("cpc", sentence_bundle.folder)
    looked_up = with_index(plain, index)
    for tokens in (60, 200):
        prompt, budget = Prompt.build(TEXT, question=QUESTION), Budget(tokens=tokens)
        found = looked_up.compress(prompt, budget)
        assert found.text == plain.compress(prompt, budget).text
        assert plain.count(found.text) <= tokens


def test_a_part_of_the_text_will_do_and_another_text_will_not(
    index: SentenceIndex, sentence_bundle: ModelBundle
) -> None:
    compressor = with_index(load_compressor("cpc", sentence_bundle.folder), index)
    part = Prompt.build(TEXT[100:1500], instruction="Read.", question=QUESTION)
    assert compressor.compress(part, Budget(tokens=150)).text.startswith("Read.")
    with pytest.raises(InputError, match="of another text"):
        compressor.compress(Prompt.build("Another text.", question=QUESTION), Budget(tokens=50))


def test_another_bundle_and_another_method_are_refused(
    index: SentenceIndex, sentence_bundle: ModelBundle
) -> None:
    other = SentenceIndex(index.text, index.sentences, "0" * 64)
    with pytest.raises(StateError, match="made with another bundle"):
        with_index(load_compressor("cpc", sentence_bundle.folder), other)
    with pytest.raises(InputError, match="for the method cpc"):
        with_index(load_compressor("bm25"), index)


def test_lines_of_marks_go_first(sentence_bundle: ModelBundle) -> None:
    text = "```\nThe city of Boston burned.\n```\n----\nNobody knows why.\n"
    scores = load_compressor("cpc", sentence_bundle.folder).scorer.score(text, QUESTION)
    said = [text[a:b] for a, b in scores.spans.tolist()]
    assert said == ["```", "The city of Boston burned.", "```", "----", "Nobody knows why."]
    assert (scores.scores == -1).tolist() == [True, False, True, True, False]


def test_sentences_are_kept_whole(sentence_bundle: ModelBundle) -> None:
    compressor = load_compressor("cpc", sentence_bundle.folder)
    prompt = Prompt.build(TEXT, question=QUESTION, structure="off")  # JSON keeps its brackets
    compressed = compressor.compress(prompt, Budget(rate=0.5))
    whole = {TEXT[a:b] for a, b in sentence_spans(TEXT).tolist()}
    kept = [s for s in whole if s in compressed.text]
    assert kept
    left = compressed.text.removesuffix(QUESTION)
    for sentence in sorted(kept, key=len, reverse=True):
        left = left.replace(sentence, "")
    assert not left.strip()
