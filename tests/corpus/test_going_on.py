"""Runs that go on where one was stopped, and what was put in their way since."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edgelingua.corpus import Recipe, compress_corpus, open_corpus
from edgelingua.errors import InputError
from tests.conftest import BUNDLES
from tests.corpus.making import contents, make, texts

QUICK = Recipe(method="truncate", rate=0.4)


def stop_in_the_middle(done: int, total: int) -> None:
    if done:
        raise ZeroDivisionError


def stop_at_the_end(done: int, total: int) -> None:
    if done == total:
        raise ZeroDivisionError


@pytest.mark.parametrize("kind", ["in", "in.jsonl"])
def test_what_was_put_at_the_target_meanwhile_stays(kind: str, tmp_path: Path) -> None:
    source, target = make(tmp_path, kind, texts(150)), tmp_path / kind.replace("in", "out")
    with pytest.raises(ZeroDivisionError):
        compress_corpus(open_corpus(source), target, QUICK, progress=stop_in_the_middle)
    make(tmp_path, target.name, ["mine"]) if kind != "in" else shutil.copytree(source, target)
    before = contents(target)
    with pytest.raises(InputError, match=r"it is there already, and .* has only \d+ of 150 rows"):
        compress_corpus(open_corpus(source), target, QUICK)
    assert contents(target) == before


@pytest.mark.parametrize("kind", ["in", "in.jsonl"])
def test_what_was_put_at_the_target_of_a_done_run_stays_unless_it_is_ours(
    kind: str, tmp_path: Path
) -> None:
    source, target = make(tmp_path, kind, texts(5)), tmp_path / kind.replace("in", "out")
    with pytest.raises(ZeroDivisionError):
        compress_corpus(open_corpus(source), target, QUICK, progress=stop_at_the_end)
    journal = tmp_path / f"{target.name}.journal"
    kept = journal.read_bytes()
    make(tmp_path, target.name, ["mine"]) if kind != "in" else shutil.copytree(source, target)
    before = contents(target)
    with pytest.raises(InputError, match=r"is not what .* makes of"):
        compress_corpus(open_corpus(source), target, QUICK)
    assert contents(target) == before
    shutil.rmtree(target) if kind == "in" else target.unlink()
    compress_corpus(open_corpus(source), target, QUICK)
    ours = contents(target)
    journal.write_bytes(kept)  # as a kill leaves it, right behind the last step but one
    journal.chmod(0o600)
    compress_corpus(open_corpus(source), target, QUICK)
    assert contents(target) == ours
    assert not journal.exists()
    assert not list(tmp_path.glob(".again*"))


def test_a_tokenizer_that_has_changed_is_another(tmp_path: Path) -> None:
    source, target = make(tmp_path, "in.jsonl", texts(3)), tmp_path / "out.jsonl"
    first, second = sorted(BUNDLES.glob("*/tokenizer.json"))[:2]
    for count in (tmp_path / "tokenizer.json", tmp_path):
        shutil.copyfile(first, tmp_path / "tokenizer.json")
        recipe = Recipe(method="truncate", rate=0.4, count=str(count))
        with pytest.raises(ZeroDivisionError):
            compress_corpus(open_corpus(source), target, recipe, progress=stop_at_the_end)
        shutil.copyfile(second, tmp_path / "tokenizer.json")
        with pytest.raises(InputError, match="begun with count"):
            compress_corpus(open_corpus(source), target, recipe)
        (tmp_path / "out.jsonl.journal").unlink()


@pytest.mark.parametrize("kind", ["in.jsonl", "in.parquet", "in"])
def test_a_corpus_that_goes_away_is_told_of(kind: str, tmp_path: Path) -> None:
    source, target = make(tmp_path, kind, texts(3)), tmp_path / kind.replace("in", "out")
    gone = source if source.is_file() else source / "0" / "00000.txt"

    def remove(done: int, total: int) -> None:
        if done == total:
            gone.unlink()

    with pytest.raises(InputError, match="changed meanwhile"):
        compress_corpus(open_corpus(source), target, QUICK, progress=remove)
    assert not target.exists()


def test_a_file_that_went_before_its_turn_fails_alone(tmp_path: Path) -> None:
    source, target = make(tmp_path, "in", texts(3)), tmp_path / "out"
    corpus = open_corpus(source)
    (source / "1" / "00001.txt").unlink()
    summary = compress_corpus(corpus, target, QUICK)
    assert (summary.rows, summary.failed) == (3, 1)
    assert "1/00001.txt: cannot be read" in summary.errors[0]


@pytest.mark.parametrize("place", [".", "/"])
def test_a_target_without_a_name_is_refused(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="expected the name of a file or folder"):
        compress_corpus(open_corpus(make(tmp_path, "in", texts(3))), Path(place), QUICK)


def test_parquet_with_a_damaged_end_is_refused(tmp_path: Path) -> None:
    source = make(tmp_path, "in.parquet", texts(3))
    data = bytearray(source.read_bytes())
    footer = int.from_bytes(data[-8:-4], "little")
    data[-8 - footer : -8] = b"\xff" * footer
    source.write_bytes(data)
    with pytest.raises(InputError, match="damaged, or not Parquet"):
        open_corpus(source)


def test_a_text_that_is_too_long_and_ids_that_come_twice_stop_nothing(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = ['{"id": 1, "text": "%s"}' % ("w " * 2_500_001), *['{"id": 1, "text": "a b c"}'] * 2]
    source.write_text("\n".join(rows))
    summary = compress_corpus(open_corpus(source), target, QUICK)
    assert (summary.rows, summary.failed) == (3, 1)
    found = [json.loads(line) for line in target.open("rb")]
    assert [row["id"] for row in found] == [1, 1, 1]
    assert "characters" in found[0]["text_error"]
    assert found[1] == found[2]
