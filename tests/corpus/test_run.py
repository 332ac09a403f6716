"""Whole corpora: every row once, whatever the kind, the workers, and what stops them."""

from __future__ import annotations

import json
import multiprocessing
import random
import threading
from pathlib import Path

import pytest

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.corpus import Columns, Recipe, RowCompressor, compress_corpus, open_corpus
from edgelingua.errors import InputError, StateError
from edgelingua.files.folders import remove
from tests.corpus.making import KINDS, contents, make, read, texts

QUICK = Recipe(method="truncate", rate=0.4)


def stop_at_the_end(done: int, total: int) -> None:
    if done == total:
        raise ZeroDivisionError


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_comes_out_once_with_what_it_gets_alone(kind: str, tmp_path: Path) -> None:
    rows = texts(150)
    source = make(tmp_path, kind, rows)
    target = tmp_path / kind.replace("in", "out")
    seen: list[tuple[int, int]] = []
    summary = compress_corpus(
        open_corpus(source), target, QUICK, progress=lambda *at: seen.append(at)
    )
    compress, found = RowCompressor(QUICK), read(target)
    assert [row["id"] for row in found] == list(range(150))
    for text, row in zip(rows, found, strict=True):
        result = compress(text)
        assert row["compressed"] == result.text(text)
        assert [tuple(span) for span in row["spans"]] == [*(result.spans or ())]
        assert row["tokens_in"] == result.tokens_in
        assert row["error"] is None
    assert (summary.rows, summary.failed, summary.resumed) == (150, 0, 0)
    assert summary.tokens_out == sum(row["tokens_out"] for row in found)
    assert seen[0] == (0, 150)
    assert seen[-1] == (150, 150)
    assert not (tmp_path / f"{target.name}.journal").exists()
    with pytest.raises(InputError, match="it is there already"):
        compress_corpus(open_corpus(source), target, QUICK)


@pytest.mark.parametrize("kind", KINDS)
def test_a_journal_cut_anywhere_leads_to_the_same_bytes(kind: str, tmp_path: Path) -> None:
    source = make(tmp_path, kind, texts(30))
    whole, target = (tmp_path / kind.replace("in", name) for name in ("whole", "out"))
    journal = tmp_path / f"{target.name}.journal"
    compress_corpus(open_corpus(source), whole, QUICK)
    with pytest.raises(ZeroDivisionError):
        compress_corpus(open_corpus(source), target, QUICK, progress=stop_at_the_end)
    full, draw = journal.read_bytes(), random.Random(kind)
    header, tails = full.index(b"\n") + 1, (b"", b"\0" * 9, b"[[[1,", b"no line\n[[],1,1,null]\n")
    cuts = [0, 3, len(full), *(draw.randrange(header, len(full)) for _ in tails)]
    for number, cut in enumerate(cuts):
        journal.write_bytes(full[:cut] + (tails[number % 4] if cut >= header else b""))
        summary = compress_corpus(open_corpus(source), target, QUICK)
        # A cut at the end of a line leaves it; else what was cut is done anew.
        assert summary.resumed <= full[:cut].count(b"\n")
        assert summary.resumed >= full[:cut].count(b"\n") - 1
        assert contents(target) == contents(whole)
        remove(target)


@pytest.mark.long
def test_any_number_of_workers_makes_the_same_bytes(
    tmp_path: Path, bert_bundle: ModelBundle
) -> None:
    source = make(tmp_path, "in.jsonl", texts(150))
    recipe = Recipe(model=str(bert_bundle.folder))
    for workers in (1, 2):
        compress_corpus(open_corpus(source), tmp_path / f"{workers}.jsonl", recipe, workers=workers)
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()


def test_what_has_changed_since_is_not_gone_on_with(tmp_path: Path) -> None:
    source, target = make(tmp_path, "in.jsonl", texts(9)), tmp_path / "out.jsonl"
    with pytest.raises(ZeroDivisionError):
        compress_corpus(open_corpus(source), target, QUICK, progress=stop_at_the_end)
    with pytest.raises(InputError, match=r"begun with rate 0\.4, now 0\.5"):
        compress_corpus(open_corpus(source), target, Recipe(method="truncate", rate=0.5))
    with pytest.raises(InputError, match="begun with question"):
        compress_corpus(open_corpus(source), target, QUICK, question="Why?")
    source.write_text(source.read_text() + '{"text": "more"}\n')
    with pytest.raises(InputError, match="begun with corpus"):
        compress_corpus(open_corpus(source), target, QUICK)
    (tmp_path / "out.jsonl.journal").write_text("What somebody else has written.\n")
    with pytest.raises(StateError, match="not the journal of a corpus"):
        compress_corpus(open_corpus(source), target, QUICK)


def test_what_fails_before_the_first_row_leaves_nothing(tmp_path: Path) -> None:
    source, target = make(tmp_path, "in.jsonl", texts(9)), tmp_path / "out.jsonl"
    with pytest.raises(InputError, match="no such file"):
        compress_corpus(open_corpus(source), target, Recipe(method="truncate", count="none"))
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]
    # As a kill leaves it, before any row is done.
    (tmp_path / "out.jsonl.journal").write_text('{"corpus":"another"}\n')
    assert compress_corpus(open_corpus(source), target, QUICK).rows == 9


def test_a_corpus_that_changes_meanwhile_is_not_written(tmp_path: Path) -> None:
    source, target = make(tmp_path, "in.jsonl", texts(9)), tmp_path / "out.jsonl"
    before = source.read_text()

    def change(done: int, total: int) -> None:
        source.write_text(before + "\n")

    with pytest.raises(InputError, match="changed meanwhile"):
        compress_corpus(open_corpus(source), target, QUICK, progress=change)
    assert not target.exists()


def test_two_do_not_work_on_one_corpus(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    source, target = make(tmp_path, "in.jsonl", texts(9)), tmp_path / "out.jsonl"

    def again(done: int, total: int) -> None:
        with pytest.raises(InputError, match="another process is at work"):
            compress_corpus(open_corpus(source), target, QUICK)

    compress_corpus(open_corpus(source), target, QUICK, progress=again)


@pytest.mark.parametrize("kind", ["in.jsonl", "in.parquet"])
def test_questions_come_from_a_column_a_file_or_the_call(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("rank_bm25")
    rows = [{"body": "Rain fell. Snow fell. Hail fell.", "q": q} for q in ("Snow?", "Hail?")]
    source = tmp_path / kind
    if kind == "in.jsonl":
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pa = pytest.importorskip("pyarrow")
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), source)
    asked = tmp_path / "questions.txt"
    asked.write_text("Snow?\r\nHail?\n")
    recipe, found = Recipe(method="bm25", rate=0.4), []
    ways: list[tuple[str | None, str | Path]] = [("q", ""), (None, asked), (None, "Hail?")]
    for number, (column, question) in enumerate(ways):
        target = tmp_path / kind.replace("in", f"out{number}")
        compress_corpus(
            open_corpus(source, Columns("body", column)), target, recipe, question=question
        )
        found.append([row["body_compressed"] for row in read(target)])
    assert found[0] == found[1]
    assert found[2][0] == found[2][1] == found[0][1] != found[0][0]
    asked.write_text("one\n")
    with pytest.raises(InputError, match="1 lines for 2 rows"):
        compress_corpus(open_corpus(source, Columns("body")), tmp_path / kind.replace("in", "x"),
                        recipe, question=asked)  # fmt: skip


@pytest.mark.long
def test_rows_with_which_a_process_dies_twice_fail(tmp_path: Path) -> None:
    source, target = make(tmp_path, "in.jsonl", texts(3)), tmp_path / "out.jsonl"
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.05):  # none gets as far as its first row
            for child in multiprocessing.active_children():
                child.kill()

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        summary = compress_corpus(open_corpus(source), target, QUICK, workers=2)
    finally:
        over.set()
        thread.join()
    assert (summary.rows, summary.failed) == (3, 3)
    assert "line 1: the process that compressed this was killed" in summary.errors[0]


@pytest.mark.long
def test_rows_whose_process_dies_are_done_again(tmp_path: Path) -> None:
    rows = texts(400)
    source, target = make(tmp_path, "in.jsonl", rows), tmp_path / "out.jsonl"
    killed = False

    def kill(done: int, total: int) -> None:
        nonlocal killed
        if done and not killed:
            killed = True
            for child in multiprocessing.active_children():
                child.kill()

    compress_corpus(open_corpus(source), target, QUICK, workers=2, progress=kill)
    compress = RowCompressor(QUICK)
    assert killed
    assert [row["compressed"] for row in read(target)] == [compress(t).text(t) for t in rows]
