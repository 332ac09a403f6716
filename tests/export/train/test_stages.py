"""Training: labels, readers, windows, the objective, the loop, and what it hands on."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi
from transformers import AutoModelForTokenClassification, AutoTokenizer

from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export.errors import ExportError
from edgelingua_export.train import calibrate, labels, negatives, prepare, readers_qa, readers_text
from edgelingua_export.train import recipe as recipes
from edgelingua_export.train.augment import blind, cloze, other_digits, second_pass
from edgelingua_export.train.batches import Layout, assemble
from edgelingua_export.train.corpus import Corpus, tokenize
from edgelingua_export.train.labels import Example, Mark
from edgelingua_export.train.loop import fit, scores, split
from edgelingua_export.train.memory import recipe as of_memory
from edgelingua_export.train.negatives import Nearest, pooled, with_negatives
from edgelingua_export.train.objective import Weights, loss, order_distance, order_loss
from edgelingua_export.train.recipe import DataSet, Recipe, Schedule, Student
from edgelingua_export.train.records import records
from edgelingua_export.train.run import train
from edgelingua_export.train.student import shrink
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def tokenizer(tiny_bert: Path) -> TextTokenizer:
    return TextTokenizer(tiny_bert / "tokenizer.json", "wordpiece")


def _write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return path


def _marked(example: Example, label: float) -> list[str]:
    return [example.text[m.start : m.end] for m in example.marks if m.label == label]


@given(
    st.text(min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.floats(0, 1)), max_size=4),
    st.text(max_size=10),
)
def test_label_files_come_back_as_they_went(
    text: str, ranges: list[tuple[int, int, float]], question: str
) -> None:
    marks = tuple(
        Mark(min(a, b, len(text)), min(max(a, b), len(text)), round(p, 4)) for a, b, p in ranges
    )
    example = Example(text, marks, question, "g", "s")
    file = io.StringIO()
    labels.write([example], file)
    (row,) = [json.loads(line) for line in file.getvalue().split("\n") if line]
    assert row["text"] == text
    again = tuple(Mark(a, b, p) for a, b, p in row["marks"])
    assert again == marks


@pytest.mark.parametrize(
    "row", [{"marks": []}, {"text": "a", "marks": [[0, 5, 1]]}, {"text": "a", "marks": [[0, 1, 2]]}]
)
def test_a_bad_label_line_is_named(tmp_path: Path, row: object) -> None:
    path = _write(tmp_path / "labels.jsonl", {"text": "good"}, row)
    with pytest.raises(ExportError, match="line 2"):
        list(labels.read(path))


def test_squad_marks_the_answer_and_its_sentence(tmp_path: Path) -> None:
    context = "It rained. Ida Brandt took the fee. Ida left."
    answer = {"text": "Ida Brandt", "answer_start": 11}
    paragraph = {
        "context": context,
        "qas": [
            {"question": "Who?", "answers": [answer]},
            {"question": "Unanswerable?", "answers": []},
        ],
    }
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"data": [{"title": "A_b", "paragraphs": [paragraph]}]}))
    (example,) = readers_qa.squad(path)
    assert _marked(example, readers_qa.ANSWER) == ["Ida Brandt"]
    (sentence,) = _marked(example, readers_qa.EVIDENCE)
    assert sentence.strip() == "Ida Brandt took the fee."
    assert example.text == "A b\n" + context
    (alone,) = readers_qa.squad_answers(path)
    assert (alone.question, _marked(alone, readers_qa.ANSWER)) == ("", ["Ida Brandt"])


def test_multi_hop_answers_count_in_evidence_only(tmp_path: Path) -> None:
    rows = {
        "question": "Which sea?",
        "answer": "Baltic",
        "context": [
            {"title": "Lund", "sents": ["Lund is a town.", " It is near the Baltic."]},
            {"title": "Riga", "sents": ["Riga is on the Baltic."]},
        ],
        "supporting": [["Lund", 1]],
    }
    first, second = readers_qa.hotpot(_write(tmp_path / "hotpot.jsonl", rows))
    assert _marked(first, readers_qa.ANSWER) == ["Baltic"]
    assert second.marks == ()
    assert first.group == second.group


def test_text_readers_follow_their_labels(tmp_path: Path) -> None:
    path = _write(tmp_path / "d.jsonl", {"words": ["So", "um", "yes"], "labels": [1, 0, 1]})
    (example,) = readers_text.deletions(path)
    assert _marked(example, 0.9) == ["So", "yes"]
    conllu = tmp_path / "a.conllu"
    fields = [
        ("1", "Do", "AUX", "_"),
        ("2", "not", "PART", "Polarity=Neg"),
        ("3", "enter", "VERB", "_"),
    ]
    lines = ["\t".join([n, w, w, p, "_", f, "0", "root", "_", "_"]) for n, w, p, f in fields]
    conllu.write_text("\n".join(lines) + "\n\n")
    (tree,) = readers_text.conllu(conllu)
    by_word = {tree.text[m.start : m.end]: m.label for m in tree.marks}
    assert by_word["not"] > by_word["enter"] > by_word["Do"]


def test_made_up_records_mark_the_value_that_is_asked_for() -> None:
    for made in records(60, 3):
        (value,) = _marked(made, readers_qa.ANSWER)
        (line,) = _marked(made, readers_qa.EVIDENCE)
        assert value in line
        asked = set(re.findall(r"[a-z]{2,}", made.question.lower()))
        assert len(asked & set(re.findall(r"[a-z]+", line.lower()))) >= 2


def test_negatives_resemble_the_question_and_hold_no_answer() -> None:
    def asked(text: str, answer: str, question: str) -> Example:
        at = text.index(answer)
        return Example(text, (Mark(at, at + len(answer), 1.0),), question, question)

    examples = [
        asked("The red pump stands in hall 7.", "hall 7", "Where is the red pump?"),
        asked("The red pump of hall 7 is new.", "new", "How old is it?"),
        asked("A red pump costs 40 euros.", "40", "What does it cost?"),
        asked("Ships arrive at noon.", "noon", "When?"),
    ]
    found = list(with_negatives(examples, 1))
    assert found[1].text == "A red pump costs 40 euros."
    assert (found[1].question, found[1].marks) == (examples[0].question, ())
    assert all(a.group == b.group for a, b in zip(found[::2], found[1::2], strict=True))
    both = [replace(each, question="Where?", group="g") for each in examples[:2]]
    assert len(list(with_negatives([*both, *examples[2:]], 1))) == 2 + 1 + 2 * 2  # one a question


def test_of_many_texts_the_nearest_of_a_block_are_negatives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(negatives, "BLOCK", 3)
    texts = [f"The {name} is red." for name in ("pump", "ship", "mill", "gate", "lock")]
    answer = (Mark(4, 8, 1.0),)
    found = list(with_negatives([Example(t, answer, "Which is red?", t) for t in texts], 9))
    assert [len({e.text for e in g}) for g in labels.groups(found)] == [3, 3, 3, 2, 2]
    # A few more than a block are one: none has too few to choose from.
    more = [replace(e, text=f"{e.text}.", marks=answer) for e in found if e.group == texts[0]]
    assert {len(list(with_negatives(more[:1], 9)))} == {1}
    four = [Example(t, answer, "Which is red?", t) for t in texts[:4]]
    assert [len(g) for g in labels.groups(with_negatives(four, 9))] == [4] * 4


@given(st.lists(st.text("ab ", min_size=1), min_size=1, max_size=80), st.text("abc "))
def test_the_nearest_are_those_of_the_library(texts: list[str], question: str) -> None:
    texts = [f"x {text}" for text in dict.fromkeys(texts)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(negatives, "_FIRST", 2)  # as many texts as tests have would all be the first
        found = [text for text, _ in Nearest(texts).to(question)]
    scores = BM25Okapi([text.split() for text in texts]).get_scores(question.split())
    of = dict(zip(texts, scores, strict=True))
    assert sorted(found) == sorted(texts)
    assert [of[text] for text in found] == pytest.approx(sorted(scores, reverse=True))


def test_texts_without_a_word_are_near_to_nothing() -> None:
    assert [text for text, _ in Nearest(["!!", ""]).to("Where?")] == ["!!", ""]
    assert not list(Nearest([]).to("Where?"))


def test_pooled_texts_are_the_nearest_of_all_and_unlabelled(tokenizer: TextTokenizer) -> None:
    asked = Example("No matter.", (Mark(0, 2, 1.0),), "Where is the red pump?", "g", "0")
    texts = ["Ships arrive.", "A red pump.", "The red pump is here.", *map(str, range(9))]
    found = list(pooled([asked, replace(asked, question="")], Nearest(texts), 2))
    assert [e.text for e in found] == ["The red pump is here.", "A red pump."]
    assert {(e.question, e.marks, e.known) for e in found} == {(asked.question, (), False)}
    assert len({e.group for e in found} - {"g"}) == 1
    corpus = tokenize(found, tokenizer)
    batch = assemble(
        corpus, [(0, 2)], Layout(2, 3, window=32, question=8), np.random.default_rng(0)
    )
    assert set(batch.targets.flatten().tolist()) == {-1.0, -2.0}
    values = torch.randn(batch.targets.shape)
    given = torch.from_numpy(batch.targets), torch.from_numpy(batch.groups)
    assert loss(values, *given, Weights()).item() == 0  # nothing that labels could say


def test_texts_of_a_recipe_can_be_left_to_a_teacher(tmp_path: Path) -> None:
    row = {"context": "The pump is red.", "qas": [{"question": "Colour?", "answer": "red"}]}
    other = {"context": "The colour is blue.", "qas": [{"question": "Pump?", "answer": "blue"}]}
    _write(tmp_path / "mine.jsonl", row, other)
    plain = DataSet("squad", "mine.jsonl", digits=0.0)
    recipe = Recipe("x", (replace(plain, pooled=1), plain, replace(plain, taught=True)))
    found = list(prepare.everything(recipe, tmp_path, lambda _: None))
    by_set = [[e for e in found if e.source == str(number)] for number in range(3)]
    assert [e.question for e in by_set[0]] == ["Colour?", "Pump?"]
    assert {e.text for e in by_set[0]} <= {row["context"], other["context"]}
    assert [e.known for e in found].count(True) == 2
    assert [e.text for e in by_set[2]] == [e.text for e in by_set[1]]
    assert len({e.group for e in found}) == 6
    with pytest.raises(ExportError, match="other data sets with questions"):
        list(prepare.everything(Recipe("x", recipe.data[:1]), tmp_path, lambda _: None))


def test_digits_change_together() -> None:
    examples = [Example("Room 1234", (), "Which is 1234?", "g"), Example("4321", (), "", "g")]
    first, second = other_digits(examples, 1.0, 5)
    number = first.text.split()[1]
    assert number in first.question
    assert second.text == number[::-1]
    assert list(other_digits(examples, 0.0, 5)) == examples


def test_a_second_pass_puts_evidence_into_the_question() -> None:
    members = [
        Example("T1\nIda leads X.", (Mark(3, 15, 0.4),), "Q?", "g"),
        Example("T2\nX is in Oslo.", (Mark(3, 16, 0.4),), "Q?", "g"),
        Example("T3\nNo.", (), "Q?", "g"),
    ]
    again = list(second_pass(members, 1))
    assert [e.text for e in again] == [e.text for e in members]
    assert again[0].question in {"Q? T1: Ida leads X.", "Q? T2: X is in Oslo."}
    assert len({e.group for e in again} | {"g"}) == 2


def _corpus(tokenizer: TextTokenizer, count: int = 40) -> Corpus:
    return tokenize([replace(e, source="0") for e in records(count, 1)], tokenizer)


def test_a_corpus_comes_back_from_its_file(tokenizer: TextTokenizer, tmp_path: Path) -> None:
    corpus = _corpus(tokenizer, 5)
    corpus.save(tmp_path / "c.npz")
    again = Corpus.load(tmp_path / "c.npz")
    assert np.array_equal(again.items, corpus.items)
    assert np.array_equal(again.tokens(1), corpus.tokens(1))
    text = int(corpus.items[0, 2])
    targets = corpus.targets(int(corpus.items[0, 3]), len(corpus.tokens(text)))
    assert targets.max() == 1
    assert 0 < (targets > 0.95).mean() < 0.5
    with pytest.raises(ExportError, match="not a prepared corpus"):
        Corpus.load(Path(__file__))


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(0, 90), min_size=1, max_size=5),
    st.integers(0, 12),
    st.integers(0, 99),
    st.booleans(),
)
def test_windows_hold_every_token_once(
    sizes: list[int], question: int, seed: int, stream: bool
) -> None:
    numbers = np.arange(10, 10 + sum(sizes) + question, dtype=np.int32)
    edges = np.concatenate([[0], np.cumsum([*sizes, question])])
    items = np.asarray(
        [[0, len(sizes) if question else -1, text, -1, 0] for text in range(len(sizes))], np.int32
    )
    empty = np.zeros(0, np.uint8)
    corpus = Corpus(
        numbers, edges, numbers > 0, empty, np.zeros(1, np.int64), items, np.asarray(["0"])
    )
    layout = Layout(1, 2, window=40, question=8, passages=9, stream=float(stream))
    if not sum(sizes):
        return
    batch = assemble(corpus, [(0, len(sizes))], layout, np.random.default_rng(seed))
    assert batch.ids.shape[1] <= layout.window
    assert sorted(batch.ids[batch.targets >= 0]) == list(range(10, 10 + sum(sizes)))
    assert (batch.mask | (batch.ids == 0)).all()
    used = min(question, 8)
    if used:
        assert (batch.ids[:, 1 : 1 + used] == numbers[-question:][:used]).all()
        assert (batch.types[batch.targets >= 0] == 1).all()


def test_the_order_loss_is_the_softmax_over_the_group() -> None:
    values = torch.tensor([2.0, -1.0, 0.5, 0.0, 3.0], requires_grad=True)
    wanted = torch.tensor([True, False, False, True, False])
    groups = torch.tensor([0, 0, 0, 1, 1])
    first = -math.log(math.exp(2) / (math.exp(2) + math.exp(-1) + math.exp(0.5)))
    second = -math.log(1 / (1 + math.exp(3)))
    value = order_loss(values, wanted, groups)
    assert value.item() == pytest.approx((first + second) / 2, rel=1e-5)
    (gradient,) = torch.autograd.grad(value, values)
    assert (gradient[wanted] < 0).all()
    assert (gradient[~wanted] > 0).all()


def test_the_distance_of_orders_is_the_divergence_of_softmaxes() -> None:
    wanted = torch.tensor([2.0, 0.0, 1.0, -1.0])
    groups = torch.tensor([0, 0, 1, 1])
    values = torch.tensor([0.5, 0.25, 3.0, 1.0], requires_grad=True)
    parts = [
        torch.nn.functional.kl_div(
            values[a:b].log_softmax(0), wanted[a:b].log_softmax(0), reduction="sum", log_target=True
        )
        for a, b in ((0, 2), (2, 4))
    ]
    value = order_distance(values, wanted, groups)
    assert value.item() == pytest.approx(torch.stack(parts).mean().item(), rel=1e-5)
    shifted = wanted + torch.tensor([5.0, 5.0, -3.0, -3.0])
    assert order_distance(shifted, wanted, groups).item() == pytest.approx(0, abs=1e-5)
    (gradient,) = torch.autograd.grad(value, values)
    assert torch.isfinite(gradient).all()


def test_a_group_without_anything_wanted_costs_no_order() -> None:
    values, groups = torch.randn(1, 4), torch.zeros(1, dtype=torch.int64)
    targets = torch.zeros(1, 4)
    plain = loss(values, targets, groups, Weights(order=0))
    assert loss(values, targets, groups, Weights(order=5)).item() == pytest.approx(plain.item())


def _tiny_recipe(base: Path, **schedule: float) -> Recipe:
    settings = {"epochs": 16, "groups": 4, "learning_rate": 5e-3, "checkpoint_every": 7, **schedule}
    return Recipe(str(base), (DataSet("records"),), 3, schedule=Schedule(**settings))  # type: ignore[arg-type]


def _fit(base: Path, corpus: Corpus, recipe: Recipe, folder: Path) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    model = AutoModelForTokenClassification.from_pretrained(base).train()
    fit(model, corpus, recipe, Layout(2, 3, window=64, question=16), folder, report=lambda _: None)
    return dict(model.state_dict())


def test_training_lowers_the_loss_and_can_be_interrupted(
    tiny_bert: Path, tokenizer: TextTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Which groups are held out depends on the tokens, and so on the tokenizer of this test run.
    # Dropout draws differently after an interruption; the steps themselves must not.
    corpus, recipe = _corpus(tokenizer, 13), _tiny_recipe(tiny_bert, held_out=0.0, dropout=0.0)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()

    expected = _fit(tiny_bert, corpus, recipe, whole)
    log = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert log[-1]["loss"] < 0.9 * log[0]["loss"]
    assert not (whole / "checkpoint.pt").exists()

    steps = 0
    real = torch.nn.utils.clip_grad_norm_

    def stop_half_way(parameters: Iterable[torch.Tensor], most: float) -> torch.Tensor:
        nonlocal steps
        steps += 1
        if steps == 12:
            raise KeyboardInterrupt
        return real(parameters, most)

    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.utils, "clip_grad_norm_", stop_half_way)
        with pytest.raises(KeyboardInterrupt):
            _fit(tiny_bert, corpus, recipe, parts)
    assert (parts / "checkpoint.pt").exists()
    resumed = _fit(tiny_bert, corpus, recipe, parts)
    for name, value in expected.items():
        assert torch.allclose(value, resumed[name], atol=1e-5), name


def test_without_dropout_a_model_in_training_gives_the_same_twice(
    tiny_bert: Path, tokenizer: TextTokenizer, tmp_path: Path
) -> None:
    ids = torch.arange(5, 25)[None]
    for share, same in ((0.0, True), (-1.0, False), (0.5, False)):
        (tmp_path / str(share)).mkdir()
        model = AutoModelForTokenClassification.from_pretrained(tiny_bert).train()
        recipe = _tiny_recipe(tiny_bert, epochs=1, dropout=share)
        fit(model, _corpus(tokenizer, 13), recipe, Layout(2, 3, window=64, question=16),
            tmp_path / str(share), report=lambda _: None)  # fmt: skip
        assert torch.equal(model(ids).logits, model(ids).logits) == same
        found = {m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)}
        found |= {m.dropout_prob for m in model.modules() if hasattr(m, "dropout_prob")}
        assert found == {0.1 if share < 0 else share}


def test_without_weights_for_labels_there_is_no_held_out_loss(
    tiny_bert: Path, tokenizer: TextTokenizer, tmp_path: Path
) -> None:
    for weights, measured in ((Weights(), True), (Weights(tokens=0.0, order=0.0), False)):
        (tmp_path / str(measured)).mkdir()
        recipe = replace(_tiny_recipe(tiny_bert, epochs=1, held_out=0.3), weights=weights)
        _fit(tiny_bert, _corpus(tokenizer, 60), recipe, tmp_path / str(measured))
        log = (tmp_path / str(measured) / "log.jsonl").read_text().splitlines()
        assert ("held_out" in json.loads(log[-1])) == measured


def test_a_checkpoint_of_another_run_is_refused(
    tiny_bert: Path, tokenizer: TextTokenizer, tmp_path: Path
) -> None:
    torch.save({"steps": 3}, tmp_path / "checkpoint.pt")
    with pytest.raises(ExportError, match="3 steps"):
        _fit(tiny_bert, _corpus(tokenizer, 12), _tiny_recipe(tiny_bert), tmp_path)


def test_held_out_groups_do_not_depend_on_other_data(tokenizer: TextTokenizer) -> None:
    small, large = _corpus(tokenizer, 60), _corpus(tokenizer, 90)
    parts = split(small, 0.3)
    assert parts.train
    assert parts.held_out
    assert not set(parts.train) & set(parts.held_out)
    assert [s for s in split(large, 0.3).held_out if s[1] <= len(small.items)] == parts.held_out


def test_scaling_is_found_and_folded_into_the_head(
    tiny_bert: Path, tokenizer: TextTokenizer
) -> None:
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 2, 20_000).astype(np.float32)
    truth = (rng.random(20_000) < 1 / (1 + np.exp(-(0.5 * odds - 1)))).astype(np.float32)
    part = calibrate.HeldOut(odds, truth)
    scale, shift = calibrate.platt({"text": part})
    assert scale == pytest.approx(0.5, abs=0.05)
    assert shift == pytest.approx(-1, abs=0.05)
    better = calibrate.HeldOut(odds * scale + shift, truth)
    assert calibrate.calibration_error(better) < 0.02 < calibrate.calibration_error(part)

    model = AutoModelForTokenClassification.from_pretrained(tiny_bert).eval()
    corpus = _corpus(tokenizer, 2)
    batch = assemble(
        corpus, [(0, 1)], Layout(2, 3, window=64, question=16), np.random.default_rng(0)
    )
    with torch.no_grad():
        before = scores(model, batch, "fp32")
        calibrate.fold(model, scale, shift)
        after = scores(model, batch, "fp32")
    assert torch.allclose(after, before * scale + shift, atol=1e-4)


def test_a_student_with_everything_is_its_base(
    tiny_bert: Path, tokenizer: TextTokenizer, tmp_path: Path
) -> None:
    model = AutoModelForTokenClassification.from_pretrained(tiny_bert).eval()
    tokens = AutoTokenizer.from_pretrained(tiny_bert)
    corpus = _corpus(tokenizer, 3)
    shrink(model, tokens, Student(positions=model.config.max_position_embeddings), corpus, tmp_path)
    same = AutoModelForTokenClassification.from_pretrained(tmp_path).eval()
    ids = torch.tensor([[2, 20, 30, 3]])
    with torch.no_grad():
        assert torch.allclose(model(ids).logits, same(ids).logits, atol=1e-5)


def test_a_student_is_smaller_and_reads_the_same_text(
    tiny_bert: Path, tokenizer: TextTokenizer, tmp_path: Path
) -> None:
    model = AutoModelForTokenClassification.from_pretrained(tiny_bert).eval()
    width = model.config.hidden_size // model.config.num_attention_heads
    tokens = AutoTokenizer.from_pretrained(tiny_bert)
    student = Student(layers=(0,), hidden=width, intermediate=16, vocabulary=400)
    shrink(model, tokens, student, _corpus(tokenizer, 30), tmp_path)
    small = AutoModelForTokenClassification.from_pretrained(tmp_path).eval()
    assert small.config.vocab_size < model.config.vocab_size
    text = "12:00:01 WARN [queue] limit set to 15"
    encoding = TextTokenizer(tmp_path / "tokenizer.json", "wordpiece").encode(text)
    assert int(encoding.ids.max()) < small.config.vocab_size
    assert len(encoding.ids) >= len(tokenizer.encode(text).ids)
    unknown = AutoTokenizer.from_pretrained(tmp_path).unk_token_id
    assert unknown not in encoding.ids
    with pytest.raises(ExportError, match="layers"):
        shrink(model, tokens, Student(layers=(9,)), _corpus(tokenizer, 2), tmp_path)


def test_a_student_with_fewer_heads_keeps_the_strongest(
    tiny_bert: Path, tokenizer: TextTokenizer, tmp_path: Path
) -> None:
    model = AutoModelForTokenClassification.from_pretrained(tiny_bert).eval()
    tokens = AutoTokenizer.from_pretrained(tiny_bert)
    width = model.config.hidden_size // model.config.num_attention_heads
    with torch.no_grad():  # the first head says nothing
        for layer in model.bert.encoder.layer:
            layer.attention.output.dense.weight[:, :width] = 0
    heads = model.config.num_attention_heads - 1
    shrink(model, tokens, Student(heads=heads), _corpus(tokenizer, 30), tmp_path)
    small = AutoModelForTokenClassification.from_pretrained(tmp_path).eval()
    assert small.num_parameters() < model.num_parameters()
    ids = torch.tensor([[2, 20, 30, 3]])
    with torch.no_grad():
        assert torch.allclose(model(ids).logits, small(ids).logits, atol=1e-5)
    with pytest.raises(ExportError, match="heads"):
        shrink(model, tokens, Student(heads=99), _corpus(tokenizer, 2), tmp_path)


def test_blind_examples_keep_their_answers_and_lose_their_questions() -> None:
    example = Example("Ann was born in Ulm.", (Mark(0, 20, 0.4), Mark(16, 19, 1)), "Where?", "g")
    other = Example("Bob left.", (), "Where?", "g")
    seen = list(blind([example, other]))
    assert [e.question for e in seen] == ["", ""]
    assert [e.group for e in seen] == ["g:blind", "g:blind"]
    assert [_marked(e, 1) for e in seen] == [["Ulm"], []]
    assert seen[0].marks == (Mark(16, 19, 1),)
    assert next(blind([replace(example, group="")])).group == ""


@example(2813)  # keeps two words at first
@given(st.integers(0, 2**16))
def test_a_made_up_question_asks_for_a_name_or_a_number_of_a_sentence(seed: int) -> None:
    text = "It rained. In 1872 the city of Boston burned for 2 days and its people fled to Salem."
    group = [Example("No name here.", (), "Why?", "g"), Example(text, (), "Why?", "g")]
    first, second = cloze(group, seed)
    assert first.question == second.question != "Why?"
    assert first.question.endswith("?")
    assert first.question.split()[0] in {"when", "how", "who", "what", "where", "which"}
    assert not first.marks
    (answer,) = _marked(second, 1)
    assert answer in {"1872", "Boston", "2", "Salem"}
    assert answer not in second.question.rstrip("?").split()
    assert [text[m.start : m.end] for m in second.marks if m.label < 1] == [text[11:]]
    assert list(cloze(group, seed)) == [first, second]
    assert not list(cloze(group[:1], seed))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base = 'x'", "no \\[\\[data\\]\\]"),
        ("base = 'x'\ndata = [3]", "no \\[\\[data\\]\\]"),
        ("base = 'x'\ndata = 'r.toml'", "no \\[\\[data\\]\\]"),
        ("base = 'x'\ndata = 'none.toml'", "none.toml: not a recipe"),
        ("base = 'x'\n[schedule]\ndropout = 1.5\n[[data]]\nformat = 'records'", "below 1"),
        ("base = 'x'\n[schedule]\ndropout = nan\n[[data]]\nformat = 'records'", "below 1"),
        ("base = 'x'\n[schedule]\ndropout = -3\n[[data]]\nformat = 'records'", "below 1"),
        ("base = 'x'\n[[data]]\nformat = 'text'\nfiles = 'a'", "files"),
        ("base = 'x'\n[[data]]\nfile = 'a'", "1: has no format"),
        ("base = 'x'\n[[data]]\nformat = 'text'\nfile = ['a']", "file = .*expected str"),
        ("base = 'x'\n[[data]]\nformat = 3", "expected str"),
        ("[[data]]\nformat = 'text'", "expected base"),
        ("base = 'x'\n[[data]]\nformat = 'text'\ntaught = true", "expected a \\[teacher\\]"),
        ("base = 'x'\n[teacher]\nhidden = 1.0\n[[data]]\nformat = 'text'", "need a model"),
        ("base = [", "not a recipe"),
    ],
)
def test_a_faulty_recipe_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(ExportError, match=message):
        recipes.load(path)


def test_a_file_is_read_once_as_where_it_has_its_labels() -> None:
    sets = (
        DataSet("squad", "a", pooled=3, repeat=9),
        DataSet("text", "b", blind=True),
        DataSet("squad", "a", second_pass=True, repeat=2, negatives=4),
        DataSet("squad", "a", composed=3, limit=5),
    )
    plain = DataSet("squad", "a", repeat=2, negatives=4, digits=0), DataSet("text", "b", digits=0)
    assert recipes.once(sets) == plain


def test_a_recipe_takes_the_data_of_another_beside_it(tmp_path: Path) -> None:
    (tmp_path / "first.toml").write_text("base = 'x'\n[[data]]\nformat = 'text'\nfile = 'a'\n")
    (tmp_path / "then.toml").write_text("base = 'y'\nseed = 2\ndata = 'first.toml'\n")
    first, then = (recipes.load(tmp_path / f"{name}.toml") for name in ("first", "then"))
    assert then.data == first.data == (DataSet("text", "a"),)
    assert (then.base, then.seed) == ("y", 2)
    with (tmp_path / "first.toml").open("a") as file:
        file.write("[[data]]\nformat = 'text'\nbad = 1\n")
    with pytest.raises(ExportError, match=r"first\.toml: .*data.* 2: no such key 'bad'"):
        recipes.load(tmp_path / "then.toml")


def test_the_recipes_of_the_project_can_be_read() -> None:
    folders = ("models/*/*.toml", "examples/*/recipe.toml", "benchmarks/quality/*.toml")
    every = (path for folder in folders for path in ROOT.glob(folder))
    found = sorted(path for path in every if path.name != "pyproject.toml")
    assert len(found) >= 5
    for path in found:
        recipe = of_memory.load(path) if of_memory.is_memory(path) else recipes.load(path)
        assert all(s.format in {*prepare.READERS, "records"} for s in recipe.data)


def test_the_command_makes_a_model_that_can_be_built(tiny_bert: Path, tmp_path: Path) -> None:
    rows: Sequence[object] = [
        {
            "context": f"The {name} pump stands in hall {number}. It was built in {1900 + number}.",
            "qas": [{"question": f"Where is the {name} pump?", "answer": f"hall {number}"}],
        }
        for number, name in enumerate(["red", "blue", "old", "new", "small", "large"] * 4)
    ]
    _write(tmp_path / "mine.jsonl", *rows)
    text = f'base = "{tiny_bert}"\n[schedule]\nepochs = 2\ngroups = 4\nheld_out = 0.2\n'
    text += "[windows]\nwindow = WINDOW\nquestion = 16\n"
    text += '[[data]]\nformat = "squad"\nfile = "mine.jsonl"\nnegatives = 2\n'
    (tmp_path / "r.toml").write_text(text.replace("WINDOW", "65"))
    out = tmp_path / "out"
    with pytest.raises(ExportError, match="at most 64"):
        train(tmp_path / "r.toml", tmp_path, out, False, lambda _: None)
    (tmp_path / "r.toml").write_text(text.replace("WINDOW", "64"))
    told: list[str] = []
    folder = train(tmp_path / "r.toml", tmp_path, out, False, told.append)
    stages = (
        "loading",
        "an earlier run has prepared",
        "steps to train",
        "step ",
        "scaling",
        "trained in ",
    )
    places = [next(i for i, line in enumerate(told) if stage in line) for stage in stages]
    assert places == sorted(places), told
    model = AutoModelForTokenClassification.from_pretrained(folder)
    assert model.config.label2id == {"drop": 0, "keep": 1}
    assert model.config.reads_question
    assert (out / "curves.png").stat().st_size > 1000
    assert json.loads((out / "report.json").read_text())["parameters"] > 0
    with pytest.raises(ExportError, match="--resume"):
        train(tmp_path / "r.toml", tmp_path, out, False, lambda _: None)
