"""The measure of what survives compression, and the bookkeeping of the comparison."""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from itertools import chain, pairwise
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from benchmarks.common.machine import noted
from benchmarks.common.shards import Shard, in_turn
from benchmarks.common.weights import LENGTH, of_bundle, of_file
from benchmarks.quality import objectives
from benchmarks.quality import reader as quality_reader
from benchmarks.quality.answers import exact_match, f1, normalized
from benchmarks.quality.baselines import latest, without_function_words
from benchmarks.quality.claims import claims
from benchmarks.quality.compare import Comparison, common, interval
from benchmarks.quality.continuation import AFTER, BEFORE, draw, surprise
from benchmarks.quality.fidelity import alike
from benchmarks.quality.merge import KINDS, made_with, merged
from benchmarks.quality.methods import CONTENDERS, OWN, Contender, Remembering, Runner
from benchmarks.quality.model_tables import continuation_table, reader_tables
from benchmarks.quality.reader import first_line, negative_log_likelihood, read
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.run import context, grouped, measured
from benchmarks.quality.sets import SETS, Case, found
from benchmarks.quality.speed import CASES, LABELS, nano_speed, ratios
from benchmarks.quality.survival import RATES, recall, survives
from benchmarks.quality.tables import ENOUGH, glance, speed_table, survival_tables
from hypothesis import given
from hypothesis import strategies as st

from edgelingua import Budget, LlamaModel, ModelBundle, PerplexityScorer, Prompt, load_compressor
from edgelingua.compressors import TokenPruner
from edgelingua.compressors.random import RandomScorer
from edgelingua.scores import Progress, TokenScores
from edgelingua.text.boundaries import count_words, words

CASE = Case(
    "Who took the fee?",
    ("It rained and nobody came.", "Ida Brandt took the fee. Ida left."),
    ("ida brandt",),
    ("Ida Brandt took the fee.",),
)
KEY = ("set", "method", "case")


def kept(pruner: TokenPruner, tokens: int, text: str) -> str:
    return pruner.compress(Prompt.build(text), Budget(tokens=tokens, count=count_words)).text


def test_an_answer_survives_whole_or_not_at_all() -> None:
    prompt = Prompt.build(CASE.passages, question=CASE.question)
    count = count_words
    everything = load_compressor("truncate").compress(prompt, Budget(rate=1.0, count=count))
    assert survives(everything, CASE.answers)
    assert recall(everything, CASE.evidence) == 1
    tokens = count(CASE.passages[0]) + count(CASE.question) + 1
    half = load_compressor("truncate").compress(prompt, Budget(tokens=tokens, count=count))
    assert "Ida" in half.text
    assert not survives(half, CASE.answers)
    assert 0 < recall(half, CASE.evidence) < 1


def test_the_question_is_no_place_to_find_an_answer() -> None:
    prompt = Prompt.build("It rained.", question="Was it Ida Brandt?")
    whole = load_compressor("truncate").compress(prompt, Budget(rate=1.0, count=count_words))
    assert not survives(whole, ("Ida Brandt",))
    assert np.isnan(recall(whole, ("Was it Ida Brandt?",)))


@given(st.lists(st.sampled_from(["Ida", "the", "of", "lamp", "1911"]), min_size=2, max_size=30))
def test_recall_is_the_share_of_words_kept(chosen: list[str]) -> None:
    text = " ".join(chosen)
    for rate in (1.0, 0.5):
        done = load_compressor("random").compress(
            Prompt.build(text), Budget(rate=rate, count=count_words)
        )
        share = len(words(done.text)) / len(words(text))
        assert recall(done, (text,)) == pytest.approx(share)


def test_whole_words_only() -> None:
    assert found("An artist; art.", "Art") == [(11, 14)]


def test_function_words_go_first_and_then_the_end() -> None:
    text = "The lamp of the tower was lit by Ida"
    pruner = without_function_words()
    assert kept(pruner, 4, text).split() == ["lamp", "tower", "lit", "Ida"]
    assert kept(pruner, 2, text).split() == ["lamp", "tower"]
    assert kept(latest(), 2, text).split() == ["by", "Ida"]


def test_answers_are_compared_as_squad_does() -> None:
    assert normalized("The  Tower, of-London!") == "tower oflondon"
    assert exact_match("the Tower.", ["Tower", "x"]) == 1
    assert exact_match("a big tower", ["Tower"]) == 0
    assert f1("the big tower", ["tower", "lake"]) == pytest.approx(2 / 3)
    assert f1("rain", ["tower"]) == 0
    assert f1("", ["the"]) == 1  # nothing is left of either


def test_a_plain_text_answers_in_its_first_line() -> None:
    assert first_line(iter(["\n", " Ida", " Brandt", "\nQuestion:", "never read"])) == "Ida Brandt"


def test_rows_go_on_after_an_interruption(tmp_path: Path) -> None:
    path = tmp_path / "results" / "rows.jsonl"
    rows = Rows(path, KEY)
    rows.add({"set": "nq", "method": "bm25", "case": 0, "answer": [1]})
    with path.open("a", encoding="utf-8") as file:
        file.write('{"set": "nq", "met')  # the run was ended here
    left = path.read_bytes()
    again = Rows(path, KEY)
    first = {"set": "nq", "method": "bm25", "case": 0, "answer": [1], "on": noted(path.parent)}
    assert again.get("nq", "bm25", 0) == first
    assert again.get("nq", "bm25", 1) is None
    assert path.read_bytes() == left  # a merge may read what a run is writing
    again.add({"set": "nq", "method": "bm25", "case": 1, "answer": [0]})
    assert [row["case"] for row in Rows(path, KEY)] == [0, 1]


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"set": \n{"set": "nq", "method": "bm25", "case": 0}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="line 1"):
        Rows(path, KEY)


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 9), min_size=1))
def test_every_case_has_its_turn_once(sizes: dict[str, int]) -> None:
    turns = list(in_turn(sizes))
    assert sorted(turns) == sorted((name, i) for name, n in sizes.items() for i in range(n))


@given(st.lists(st.integers()), st.integers(1, 9))
def test_shards_share_the_work(work: list[int], count: int) -> None:
    parts = [list(Shard(index, count).of(work)) for index in range(count)]
    assert sorted(chain.from_iterable(parts)) == sorted(work)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert list(Shard().of(work)) == work


def test_a_shard_is_one_of_some() -> None:
    assert Shard.parse("3/8") == Shard(3, 8)
    for wrong in ("8/8", "3", "-1/8", "3/", "a/b", "1/0"):
        with pytest.raises(argparse.ArgumentTypeError):
            Shard.parse(wrong)


def test_questions_about_one_text_are_one_group_unless_they_are_shown() -> None:
    cases = [Case(q, (text,), ()) for q, text in (("a", "x"), ("b", "y"), ("c", "x"))]
    assert grouped(cases, apart=False) == [[0, 2], [1]]
    assert grouped(cases, apart=True) == [[0], [1], [2]]


def made(method: str, case: int, weights: str, value: int) -> Row:
    where = {"set": "nq", "method": method, "case": case, "weights": weights}
    return {**where, "answer": value}


def test_drawn_questions_are_asked_where_the_data_is_not(tmp_path: Path) -> None:
    drawn = pytest.importorskip("benchmarks.quality.drawn")  # of the export environment
    asked = [
        drawn.Asked("el", "en", "mlqa", f"Πού {at}?", ("Εδώ.", "एक"), ("Εδώ",)) for at in range(3)
    ]
    path = tmp_path / "drawn" / "questions.jsonl.gz"
    drawn.save(path, {"el": asked, "hi": asked[:2]})
    assert drawn.load(path) == {"el": asked, "hi": asked[:2]}
    parser = argparse.ArgumentParser()
    drawn.add_arguments(parser, tmp_path / "rows.jsonl", ["multi", "bm25"])
    some = parser.parse_args(["--drawn", str(path), "--settings", "el", "--cases", "2"])
    assert drawn.questions(some, dict) == {"el": asked[:2]}
    again = parser.parse_args(["--drawn", str(path), "--save", str(tmp_path / "copy.jsonl.gz")])
    assert drawn.questions(again, dict) == {}
    assert drawn.load(tmp_path / "copy.jsonl.gz") == drawn.load(path)


def test_parts_are_merged_and_other_weights_go() -> None:
    kind = KINDS["survival"]
    old = [made("mini", 0, "old", 1), made("nano", 0, "n", 2), made("bm25", 0, "", 3)]
    new = [made("mini-question", 1, "new", 4), made("bm25", 0, "", 5)]
    rows, dropped = merged(old, new, kind)
    assert dropped == 1
    assert [row["answer"] for row in rows] == [5, 4, 2]
    assert merged(rows, [], kind) == (rows, 0)
    with pytest.raises(ValueError, match="mini: rows were made with weights old and new"):
        merged([], [made("mini", 0, "old", 1), made("mini-unguarded", 0, "new", 1)], kind)
    with pytest.raises(ValueError, match="not recorded"):
        made_with([{"set": "nq", "method": "mini", "case": 0}, *new], kind)


def test_a_row_of_other_weights_is_made_again(tmp_path: Path) -> None:
    rows = Rows(tmp_path / "rows.jsonl", KEY)
    rows.add(made("mini", 0, "old", 1))
    assert rows.has("nq", "mini", 0, weights="old")
    assert not rows.has("nq", "mini", 0, weights="new")
    assert not rows.has("nq", "mini", 1, weights="old")
    part = Rows(tmp_path / "part.jsonl", KEY, tmp_path / "rows.jsonl")
    assert part.has("nq", "mini", 0, weights="old")
    part.add(made("mini", 1, "old", 1))
    assert [row["case"] for row in Rows(tmp_path / "part.jsonl", KEY)] == [1]
    rows.add({"set": "nq", "method": "bm25", "case": 0})  # before weights were recorded
    assert rows.has("nq", "bm25", 0, weights="")


def test_fingerprints_are_of_what_decides(
    scorer_bundle: ModelBundle, bert_bundle: ModelBundle, tmp_path: Path
) -> None:
    prints = {of_bundle(bundle.folder) for bundle in (scorer_bundle, bert_bundle)}
    assert len(prints) == 2
    assert {len(each) for each in prints} == {LENGTH}
    file = tmp_path / "model.gguf"
    file.write_bytes(b"abc")
    assert of_file(file) == "ba7816bf8f01"


def test_contexts_get_the_same_room_with_and_without_the_question() -> None:
    whole = count_words("\n\n".join(CASE.passages))
    for method in ("truncate", "bm25", "random", "function-words"):
        runner = Runner(CONTENDERS[method], None, count_words)
        for rate in RATES:
            outcome = runner.compress(CASE.passages, CASE.question, rate)
            inside = context(outcome)
            assert CASE.question not in inside
            assert count_words(inside) <= max(1, int(rate * whole))
            assert outcome.seconds > 0


def test_a_row_has_a_value_for_each_rate() -> None:
    runner = Runner(CONTENDERS["truncate"], None, count_words)
    outcomes = [runner.compress(CASE.passages, CASE.question, rate) for rate in RATES]
    row = measured(CASE, outcomes)
    assert row["answer"] == [0] * len(RATES)  # it stands at the end
    assert {len(row[name]) for name in ("answer", "evidence", "tokens", "cpu")} == {len(RATES)}
    assert json.loads(json.dumps(row)) == row


def test_what_was_scored_once_is_not_scored_again() -> None:
    class Counting:
        calls = 0

        def score(self, text: str) -> str:
            self.calls += 1
            return text.upper()

    scorer = Counting()
    memory = Remembering(scorer)
    assert [memory.score("a"), memory.score("a"), memory.score("b")] == ["A", "A", "B"]
    assert scorer.calls == 2
    assert memory.saved > 0
    memory.forget()
    memory.score("a")
    assert scorer.calls == 3


class CountingScorer(RandomScorer):
    calls = 0

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        type(self).calls += 1
        return super().score(text, question, progress)


def test_a_texts_scores_serve_its_next_question_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CountingScorer, "calls", 0)
    monkeypatch.setitem(OWN, "counting", lambda: TokenPruner(CountingScorer()))
    runner = Runner(Contender("counts", "counting"), None, count_words)
    first, second = (runner.outcomes(CASE.passages, question) for question in ("Who?", "When?"))
    assert [o.compressed.text for o in first] == [o.compressed.text for o in second]
    assert len(first) == len(RATES)
    assert CountingScorer.calls == 1
    runner.outcomes(CASE.passages[:1], "Who?")
    runner.outcomes(CASE.passages, "Who?")
    assert CountingScorer.calls == 3, "remembered only as long as the text is the same"


def test_a_model_that_is_compared_again_has_one_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pruner, reader = Mock(), Mock(**{"nats.return_value": [1.0, 2.0]})
    monkeypatch.setattr(objectives, "Pruner", lambda folder: pruner)
    monkeypatch.setattr(objectives, "Reader", lambda name: reader)
    monkeypatch.setattr(objectives, "survival", lambda cases, scored: [float(len(cases))])
    monkeypatch.setitem(SETS, "nq", lambda data: iter([CASE] * 9))
    path = tmp_path / "objectives.jsonl"

    def run(told: str) -> list[Row]:
        told = f"--data {tmp_path} --sets nq --results {path} {told}"
        monkeypatch.setattr(sys, "argv", ["objectives", *told.split()])
        objectives.main()
        return [json.loads(line) for line in path.read_text().splitlines()]

    [row] = run("--model a=x --cases 5")
    assert row == {
        "model": "a",
        "cases": 5,
        "rates": list(RATES),
        "percent": {"nq, with question": [5.0], "nq, alone": [5.0]},
        "on": noted(tmp_path),
    }
    monkeypatch.setattr(objectives, "survival", lambda cases, scored: [0.5])
    again = run("--model b=x --model a=x --cases 5")
    assert [(row["model"], row["percent"]["nq, alone"]) for row in again] == [
        ("a", [0.5]),
        ("b", [0.5]),
    ]
    # Another sample is another measurement.
    run("--model a=x --cases 4")
    *before, fewer, heard = run("--model a=x --cases 4 --reader r")
    assert before == again
    assert (fewer["cases"], "read" in fewer) == (4, False)
    assert (heard["read"], heard["read_at"]) == (150, list(objectives.READ_AT))
    assert list(heard["nats"]) == ["nq, with question", "nq, alone"]


def row(method: str, case: int, answer: list[int], name: str = "nq") -> Row:
    return {
        "set": name,
        "method": method,
        "case": case,
        "tokens_in": 100,
        "cpu": [3.0 if method == "longllmlingua" else 0.1] * 5,
        "answer": answer,
        "evidence": answer,
    }


ROWS = [
    *(row("mini-question", case, [1, 1, 1, 1, case % 2]) for case in range(4)),
    *(row("bm25", case, [1, 0, 0, 0, 0]) for case in range(3)),
    *(row("longllmlingua", case, [1, 1, 0, 0, 0]) for case in range(2)),
]


def test_methods_are_compared_on_the_same_cases() -> None:
    found = common(ROWS, list(CONTENDERS), lambda r: r["answer"])
    assert found.cases == (0, 1)
    assert found.mean("mini-question").tolist() == [1, 1, 1, 1, 0.5]
    without = common(ROWS, ["bm25", "mini-question", "nano"], lambda r: r["answer"])
    assert without.cases == (0, 1, 2)
    assert not common([], ["bm25"], lambda r: r["answer"]).values


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_an_interval_lies_within_the_values(values: list[float]) -> None:
    low, high = interval(np.asarray(values)[:, None])
    assert min(values) - 1e-9 <= low[0] <= high[0] <= max(values) + 1e-9


def test_more_cases_make_a_narrower_interval_around_the_mean() -> None:
    few, many = (interval(np.asarray([0.0, 1.0] * n)[:, None]) for n in (5, 500))
    assert few[0][0] < many[0][0] < 0.5 < many[1][0] < few[1][0]


def test_a_change_is_of_the_means_and_its_interval_of_pairs() -> None:
    good = np.arange(1.0, 41)[:, None] / 40
    found = Comparison(tuple(range(40)), {"mini": good, "nano": 0.9 * good, "other": good[::-1]})
    assert found.change("nano", "mini")[:, 0] == pytest.approx([-0.1] * 3)
    change, low, high = found.change("other", "mini")[:, 0]
    assert change == pytest.approx(0)
    assert low < -0.1 < 0.1 < high
    rows = [row("mini-question", case, [1] * 5) for case in range(8)]
    rows += [row("nano-question", case, [1, 1, int(case > 0), 1, 1]) for case in range(8)]
    met = [line.split("|")[2:4] for line in claims(rows).splitlines() if "nano keeps" in line]
    assert met[0][1].startswith(" yes")
    assert met[1][1].startswith(" **no**")
    assert "nq -12 % [-38, +0] (n = 8)" in met[1][0]


def test_tables_say_n_and_what_is_missing() -> None:
    text = survival_tables(ROWS)
    assert "n = 2" in text
    assert "| edgelingua-mini | yes | **100** | **100** |" in text
    assert "LLMLingua, edgelingua-mini, edgelingua-nano, `question_aware` with the question" in text
    assert "n = " not in glance(ROWS)  # two cases are not enough for a summary
    many = [row("mini-question", case, [1, 1, 1, 1, 0]) for case in range(ENOUGH)]
    assert "| edgelingua-mini | yes | 100 |" in glance(many)
    slow = [row("llmlingua", 0, [0] * 5)]
    assert "n = 1 " in survival_tables([*many, *slow])
    assert f"n = {ENOUGH} " in survival_tables([*many, *slow])
    speed = speed_table(ROWS)
    assert "0.10 (30x)" in speed
    assert "Not measured" in reader_tables([])
    assert "Not measured" in continuation_table([])


def test_a_missed_target_is_called_missed() -> None:
    lines = claims(ROWS).splitlines()
    met = {line.split(" | ")[0].strip("| "): line.split(" | ")[2].strip(" |") for line in lines[2:]}
    assert met["with the question, NQ: at least 95 % at 0.2"] == "yes"
    assert met["with the question, NQ: at least 70 % at 0.05"] == "**no**"
    missing = "; not measured: hotpotqa, musique, squad, qmsum"
    assert (
        met["ahead of LongLLMLingua at every rate on nq, hotpotqa, musique, squad, qmsum"]
        == "**no**" + missing
    )
    assert met["at 10 times its speed"] == "yes" + missing


def test_two_models_are_alike_where_they_rank_alike() -> None:
    scores = np.random.default_rng(0).normal(size=400)
    assert alike(scores, scores) == (1.0, 1.0, 1.0)
    assert alike(-scores, scores) == (-1.0, 0.0, 0.0)
    reversed_below = np.where(scores >= np.quantile(scores, 0.95), scores, -9 - scores)
    rank, best, fifth = alike(reversed_below, scores)
    assert (rank < 0, best, fifth) == (True, 1.0, 0.25)


def test_speed_is_that_of_whole_rounds() -> None:
    rows = [
        {"set": name, "asks": asks, "what": what, "model": model, "round": n, "weights": model,
         "cpu": (n + 1) * (4.0 if model == "mini" else 1.0) * (2 if what == "compress" else 1)}
        for n in range(3) for name in CASES for asks in (True, False) for what in LABELS
        for model in ("mini", "nano")
    ]  # fmt: skip
    slower = [{**r, "cpu": 2 * r["cpu"]} if r["what"] == "score" and r["model"] == "nano" else r
              for r in rows]  # fmt: skip
    assert ratios(rows, "model", True) == {**dict.fromkeys(CASES, 4.0), "all": 4.0}
    cut = slower[:-7]
    assert ratios(cut, "score", False)["all"] == 2.0
    assert ratios(slower[:5], "score", False) == {}
    verdicts = [line.split("|")[-2].strip() for line in claims([], cut).splitlines()[2:] if line]
    assert verdicts == ["yes", "**no**", "yes"]
    assert "4.0" in nano_speed(cut)
    assert nano_speed([]) == ""
    with pytest.raises(ValueError, match="different weights"):
        nano_speed([*rows, {**rows[0], "weights": "other"}])


def test_perplexity_is_compared_at_the_same_places() -> None:
    rows: list[Row] = [
        *({"kind": "news", "method": "whole", "rate": 1.0, "place": p, "nll": 1.0} for p in (0, 1)),
        *(
            {"kind": "news", "method": "random", "rate": rate, "place": 0, "nll": 2.0}
            for rate in RATES
        ),
        {"kind": "news", "method": "random", "rate": 0.5, "place": 1, "nll": 9.0},
    ]
    text = continuation_table(rows)
    assert "n = 1" in text
    assert "| no compression | 2.7 | 2.7 |" in text
    assert "| random words | 7.4 | 7.4 |" in text


def test_a_larger_rate_keeps_no_less() -> None:
    runner = Runner(CONTENDERS["bm25"], None, count_words)
    sizes = [
        runner.compress(CASE.passages, CASE.question, rate).compressed.tokens_out for rate in RATES
    ]
    assert all(more >= fewer for more, fewer in pairwise(sizes))


def test_surprise_is_that_of_the_whole_text(scorer_bundle: ModelBundle) -> None:
    scorer = PerplexityScorer(scorer_bundle)
    before, after = "The keeper wrote down the weather.", " Wind from the north, rain."
    ids = [scorer.tokenizer.encode(text).ids for text in (before, after)]
    whole = scorer.score_ids(np.concatenate(ids))[len(ids[0]) :]
    # INT8 scales activations over all that runs at once, and texts run in other pieces here.
    assert surprise(scorer, before, ids[1]) == pytest.approx(whole.mean(), abs=0.1)
    alone = scorer.score_ids(ids[1]).mean()
    assert surprise(scorer, "", ids[1]) == pytest.approx(alone, abs=0.1)


def test_places_are_drawn_from_long_texts(scorer_bundle: ModelBundle, tmp_path: Path) -> None:
    (tmp_path / "longbench").mkdir()
    texts = [
        "short",
        *(" ".join(f"day {n}.{d}: it rained," for d in range(1500)) for n in range(3)),
    ]
    with gzip.open(tmp_path / "longbench" / "longbench_multi_news.jsonl.gz", "wt") as file:
        file.writelines(json.dumps({"context": text}) + "\n" for text in texts)
    tokenizer = PerplexityScorer(scorer_bundle).tokenizer
    places = draw("news", tmp_path, tokenizer, 2)
    assert [len(place.continuation) for place in places] == [AFTER, AFTER]
    assert all(len(tokenizer.encode(place.context).ids) <= BEFORE + 2 for place in places)
    again = draw("news", tmp_path, tokenizer, 2)
    assert [place.context for place in again] == [place.context for place in places]
    more = draw("news", tmp_path, tokenizer, 5)
    assert [place.context for place in more[:2]] == [place.context for place in places]
    assert len({place.context for place in more}) == 5
    with pytest.raises(ValueError, match=r"room for \d+ places, 1000 were asked for"):
        draw("news", tmp_path, tokenizer, 1000)


def test_nll_is_that_of_the_logits(tiny_reader: LlamaModel) -> None:
    tokens = np.arange(20, 32, dtype=np.int32)
    session = tiny_reader.session(64)
    session.feed(tokens[:8])
    losses = negative_log_likelihood(session, tokens[8:])
    for at, loss in zip(range(8, 12), losses, strict=True):
        fresh = tiny_reader.session(64)
        fresh.feed(tokens[:at])
        logits = fresh.logits().astype(np.float64)
        expected = np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[tokens[at]]
        assert loss == pytest.approx(expected, abs=1e-3)


def test_a_reader_says_how_many_texts_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = Rows(tmp_path / "texts.jsonl", KEY)
    kept = {"weights": "", "texts": ["Ida."] * len(RATES)}
    texts.add({"set": "nq", "method": "bm25", "case": 1, **kept})
    (model := tmp_path / "model.gguf").write_bytes(b"")
    monkeypatch.setattr(quality_reader, "LlamaModel", lambda *_, **__: None)
    monkeypatch.setattr(quality_reader, "draw", lambda *_: [CASE, CASE])
    monkeypatch.setattr(quality_reader, "read", lambda *_, **__: {"f1": 1.0})
    results = tmp_path / "reader.jsonl"

    def said(methods: str) -> str:
        command = ["reader", str(model), "--name", "r", "--data", ".", "--texts", str(texts.path)]
        command += ["--results", str(results), "--sets", "nq", "--methods", methods]
        monkeypatch.setattr(sys, "argv", command)
        quality_reader.main()
        return capsys.readouterr().err

    assert f"3 of 4 texts are not in {texts.path}" in said("whole,bm25,mini")
    assert len(Rows(results, quality_reader.KEY)) == len(RATES) + 2
    texts.add({"set": "nq", "method": "bm25", "case": 0, **kept})
    assert "texts are not" not in said("whole,bm25")


def test_a_reader_is_asked_about_what_was_kept(reader: LlamaModel) -> None:
    told = read(reader, "Ida Brandt took the fee of nine guilders.", CASE, plain=True)
    untold = read(reader, "It rained.", CASE, plain=True)
    assert told["nll"] < untold["nll"]  # type: ignore[operator]
    assert int(str(told["tokens"])) > int(str(untold["tokens"]))
    chat = read(reader, "Ida Brandt took the fee.", CASE, plain=False)
    assert 0 <= float(str(chat["f1"])) <= 1
    assert isinstance(chat["text"], str)
