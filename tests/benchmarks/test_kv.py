"""The cache's benchmarks: their texts, losses and logs; and logits of whole blocks."""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from benchmarks.common.shards import Shard
from benchmarks.common.weights import of_bundle, of_file
from benchmarks.kv import endurance, overhead, perplexity_tables, retrieval
from benchmarks.kv.common import chosen, judged, losses, parser, policies, weights, work_off
from benchmarks.kv.log import Log, Row, merge, read_rows
from benchmarks.kv.recall import TURNS, script
from benchmarks.kv.retrieval import half
from benchmarks.kv.tasks import CODE_DEPTHS, DEPTHS, body, haystack, prose
from hypothesis import given
from hypothesis import strategies as st

from edgelingua import ModelBundle
from edgelingua.bundle.manifest import MANIFEST
from edgelingua.errors import ReaderError
from edgelingua.kv.policies import KeyDiff, Streaming
from edgelingua.llama.model import LlamaModel

SENTENCES = "".join(f"Sentence {number} says nothing at all. " for number in range(200))


@given(seed=st.integers(0, 10_000))
def test_each_fact_stands_once_in_the_prose_near_its_depth(seed: int) -> None:
    stack = haystack(SENTENCES, seed)
    assert sorted(question.depth for question in stack.questions) == sorted(DEPTHS + CODE_DEPTHS)
    left = stack.text
    for question in stack.questions:
        fact = question.cue + question.value
        assert stack.text.count(fact) == 1
        assert abs(stack.text.index(fact) / len(stack.text) - question.depth) < 0.05
        # Nothing but the text itself answers it.
        assert question.value.strip() not in question.ask
        left = left.replace(fact, "")
    assert all(f"Sentence {number} says nothing at all. " in left for number in range(200))
    assert haystack(SENTENCES, seed) == stack


def test_both_halves_of_the_questions_are_all_of_them() -> None:
    stack = haystack(SENTENCES, 0)
    assert {*half(stack, 0), *half(stack, 1)} == set(stack.questions)


def test_books_lose_their_frame_and_their_line_breaks() -> None:
    book = "Licence\r\n*** START OF THIS BOOK ***\r\nOne\r\n\r\nTwo\r\nlines.\r\n*** END OF THIS"
    assert body(book) == "One\n\nTwo\nlines."
    assert body("No frame") == "No frame"
    assert prose(body(book), 0, 10) == "Two lines."


def test_losses_are_those_of_softmax() -> None:
    logits = np.log(np.asarray([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]], np.float32)) + 40
    found = losses(logits, np.asarray([0, 2], np.int32))
    np.testing.assert_allclose(found, -np.log([0.5, 0.7]), rtol=1e-5)


def test_a_log_is_taken_up_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    Log(path, {"threads": 1}).add({"name": "streaming", "cap": 256, "nats": 1.5})
    log = Log(path, {"threads": 1})
    assert log.has({"name": "streaming", "cap": 256})
    assert not log.has({"name": "streaming", "cap": 512})
    log.add({"name": "streaming", "cap": 512, "nats": 1.0})
    assert [row["cap"] for row in read_rows(path)] == [256, 512]
    assert path.read_text().count("setting") == 1
    Log(path, {"threads": 2})
    assert path.read_text().count("setting") == 2


def test_a_row_that_does_not_say_its_book_is_of_the_first_one(tmp_path: Path) -> None:
    path, shard = tmp_path / "rows.jsonl", tmp_path / "shard.jsonl"
    Log(path, {}).add({"name": "h2o", "text": 0, "nats": 1.5})
    key = {"name": "h2o", "text": 0}
    log = Log(shard, {}, elsewhere=path)
    assert log.has({**key, "book": "sherlock_holmes"})
    assert not log.has({**key, "book": "pride_and_prejudice"})
    log.add({**key, "book": "sherlock_holmes", "nats": 1.5})
    log.add({**key, "book": "pride_and_prejudice", "nats": 2})
    assert merge(path, [shard]) == 1
    assert [row.get("book") for row in read_rows(path)] == [None, "pride_and_prejudice"]


def test_retrieval_says_the_book(tiny_reader: LlamaModel, tmp_path: Path) -> None:
    (tmp_path / "train" / "text").mkdir(parents=True)
    with gzip.open(tmp_path / "train" / "text" / "novel.txt.gz", "wt") as file:
        file.write("\n\n".join([SENTENCES] * 10))
    given = Namespace(data=tmp_path, book="novel", bundle=str(tmp_path), texts=[0], known=[0])
    given.caps, given.names = [64], ["streaming"]
    [(key, _)] = retrieval.jobs(tiny_reader, given)
    assert key["book"] == "novel"


@pytest.mark.parametrize("cut", [1, 2, 9, 30])
def test_a_log_that_a_kill_cut_off_is_taken_up_again(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "rows.jsonl"
    for cap in (256, 512):
        Log(path, {"threads": 1}).add({"name": "streaming", "cap": cap, "nats": 1.5})
    path.write_bytes(path.read_bytes()[:-cut])
    left = path.read_bytes()
    # Only the line break is gone, or some of the row: it is measured again.
    whole = cut == 1
    assert [row["cap"] for row in read_rows(path)] == [256, 512][: 1 + whole]
    assert path.read_bytes() == left  # another process may be writing just this line
    log = Log(path, {"threads": 1})
    assert log.has({"cap": 512}) == whole
    log.add({"name": "streaming", "cap": 1024, "nats": 1.0})
    assert [row["cap"] for row in read_rows(path)] == [256, *[512][:whole], 1024]
    assert path.read_text().count("setting") == 1


def test_a_log_cut_off_in_its_setting_gets_it_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"setting": {"thr')
    Log(path, {"threads": 1}).add({"cap": 256})
    assert path.read_text() == '{"setting": {"threads": 1}}\n{"cap": 256}\n'


def test_a_merge_that_is_ended_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, shard = tmp_path / "rows.jsonl", tmp_path / "shard.jsonl"
    Log(path, {}).add({"name": "h2o", "cap": 256})
    with path.open("a") as file:
        file.write('{"name": "h2o", "c')
    Log(shard, {}).add({"name": "h2o", "cap": 512})
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            merge(path, [shard])
    assert path.read_bytes() == before
    assert merge(path, [shard]) == 1
    assert [row["cap"] for row in read_rows(path)] == [256, 512]
    assert sorted(tmp_path.iterdir()) == [path, shard]


def test_rows_of_a_bundle_stay_valid_when_its_card_changes(
    tiny_reader: LlamaModel, bert_bundle: ModelBundle, tmp_path: Path
) -> None:
    found = weights(tiny_reader, bert_bundle.folder)
    assert found == {
        "reader": of_file(tiny_reader.path),
        "bundle": of_bundle(bert_bundle.folder),
    }
    assert weights(tiny_reader) == {"reader": found["reader"]}
    other = shutil.copytree(bert_bundle.folder, tmp_path / "bundle")
    manifest = json.loads((other / MANIFEST).read_text())
    manifest["files"]["README.md"] = {"size": 1, "sha256": "0" * 64}
    (other / MANIFEST).write_text(json.dumps(manifest))
    assert weights(tiny_reader, other) == found


def test_names_that_no_variant_has_are_refused() -> None:
    some = [*policies(64), *policies(128)]
    assert chosen(some, None) == some
    assert [(v.name, v.cap) for v in chosen(some, ["h2o", "knorm"])] == [
        *[("h2o", 64), ("h2o", 128)],
        *[("knorm", 64), ("knorm", 128)],
    ]
    with pytest.raises(SystemExit, match="no variant 'knrom'; there are: streaming; ") as error:
        chosen(some, ["h2o", "knrom"])
    assert str(error.value).count("knorm, phrases, window, q8_0") == 1


def test_rows_of_other_weights_are_refused(tmp_path: Path) -> None:
    path, other = tmp_path / "rows.jsonl", tmp_path / "other.jsonl"
    Log(path, {"reader": "aa", "bundle": "cc"}).add({"name": "h2o", "reader": "aa"})
    Log(path, {"reader": "aa", "bundle": "dd"})  # no row has read a compressor's scores yet
    with pytest.raises(SystemExit, match=r"more than one reader \(aa, bb\)"):
        Log(path, {"reader": "bb"})
    Log(other, {"reader": "bb"}).add({"name": "h2o", "reader": "bb"})
    with pytest.raises(SystemExit, match="more than one reader"):
        merge(path, [other])
    assert len(read_rows(path)) == 1


def test_shards_share_what_is_missing_and_are_merged(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    setting = {"reader": "aa", "threads": 1}
    Log(path, setting).add({"reader": "aa", "name": "streaming", "cap": 256, "nats": 1})
    measured = []

    def job(cap: int) -> tuple[Row, Callable[[], Row]]:
        def measure() -> Row:
            measured.append(cap)
            return {"nats": 2}

        return {"reader": "aa", "name": "streaming", "cap": cap}, measure

    jobs = [job(cap) for cap in (256, 512, 1024, 2048, 4096)]
    for _ in range(2):  # taken up again, a shard has nothing to do
        for index in range(3):
            options = Namespace(results=path, shard=Shard(index, 3), into=tmp_path / "shards")
            work_off(jobs, options, {**setting, "threads": 2})
    assert sorted(measured) == [512, 1024, 2048, 4096]
    found = sorted((tmp_path / "shards").iterdir())
    assert [len(read_rows(file)) for file in found] == [2, 1, 1]
    assert merge(path, [*found, *found]) == 4
    assert merge(path, found) == 0
    assert {row["cap"] for row in read_rows(path)} == {256, 512, 1024, 2048, 4096}
    assert path.read_text().count("setting") == 2


def test_a_shard_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    options = parser("Rows.", "rows")
    assert options.parse_args(["--shard", "2/3"]).shard == Shard(2, 3)
    assert options.parse_args([]).shard is None  # rows go into the results themselves
    with pytest.raises(SystemExit):
        options.parse_args(["--shard", "3/3"])
    assert "'3/3': expected I/N with 0 <= I < N" in capsys.readouterr().err


def test_only_the_last_run_of_a_policy_counts() -> None:
    rows = [{"name": name, "run": run} for name, run in (("a", 1), ("a", 2), ("b", 1), ("a", 2))]
    assert endurance.latest(rows) == [rows[1], rows[2], rows[3]]


def test_overhead_takes_all_its_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: LlamaModel
) -> None:
    (tmp_path / "train" / "text").mkdir(parents=True)
    with gzip.open(tmp_path / "train" / "text" / "novel.txt.gz", "wt") as file:
        file.write(SENTENCES)
    told = f"--data {tmp_path} --results {tmp_path / 'rows.jsonl'} --reader {reader.path}"
    options = "--book novel --read 200 --cap 64 --block 16 --names streaming --rounds 1 --write 5"
    monkeypatch.setattr(sys, "argv", ["overhead", *told.split(), *options.split()])
    overhead.main()
    [row] = read_rows(tmp_path / "rows.jsonl")
    assert (row["book"], row["block"], row["name"]) == ("novel", 16, "streaming")


def test_the_chat_is_as_long_as_the_last_question_wants() -> None:
    told, said = script(0)
    assert len(said) == len(set(said)) == TURNS[-1]
    assert all(fact.sentence in words for fact, words in zip(told, said, strict=False))
    assert not any(fact.value in " ".join(said[len(told) :]) for fact in told)
    assert script(1) != script(0) == (told, said)


def test_logits_of_a_block_are_those_of_its_tokens_one_by_one(tiny_reader: LlamaModel) -> None:
    tokens = np.arange(40, dtype=np.int32) % tiny_reader.vocabulary_size
    session = tiny_reader.session(64, Streaming())
    single = []
    for at in range(len(tokens)):
        session.feed(tokens[at : at + 1])
        single.append(session.logits())
    blocks = tiny_reader.session(64, Streaming())
    found = np.concatenate([judged(blocks, tokens[:7]), judged(blocks, tokens[7:])])
    # The kernels for blocks round otherwise; logits differ by units from row to row.
    np.testing.assert_allclose(found, np.stack(single), atol=0.03)
    np.testing.assert_array_equal(blocks.logits(), found[-1])


def test_logits_come_for_every_token_where_a_text_is_read_in_several_steps(
    tiny_reader: LlamaModel,
) -> None:
    session = tiny_reader.session(64, KeyDiff(recent=8))
    tokens = np.arange(200, dtype=np.int32) % tiny_reader.vocabulary_size
    assert judged(session, tokens).shape == (200, tiny_reader.vocabulary_size)
    engine = tiny_reader.engine(64)
    engine.decode(tokens[:4], 0)
    with pytest.raises(ReaderError, match="set predicts_all"):
        engine.take_logits()


def test_the_last_bucket_of_a_text_is_judged_by_its_own_length() -> None:
    """Each token of the text costs a tenth more under the cap, those of the short end too."""
    full = {"tokens": 2501, "nats": [1000.0, 1000.0, 500.0]}
    capped = {"tokens": 2501, "nats": [1100.0, 1100.0, 550.0]}
    at, ratios = perplexity_tables.ratios(capped, full)
    np.testing.assert_allclose(ratios, np.exp(0.1))
    assert at.tolist() == [500, 1500, 2250]


def test_where_the_system_does_not_say_the_memory_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endurance, "rss_mb", lambda: None)
    with pytest.raises(SystemExit, match="this needs Linux"):
        endurance.write_on("streaming", None)
