"""Training beyond labels: a teacher, surprisal, a reader in the loop, narrow embeddings."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
)

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.scorers import PerplexityScorer
from edgelingua.text.boundaries import words
from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.errors import ExportError
from edgelingua_export.quantization.options import SearchOptions
from edgelingua_export.sources import find
from edgelingua_export.train import prepare
from edgelingua_export.train.batches import Layout, assemble
from edgelingua_export.train.corpus import Corpus, tokenize
from edgelingua_export.train.distill import Distillation, HiddenStates, same_pieces
from edgelingua_export.train.gates import FLOOR, log_gates, word_scores
from edgelingua_export.train.labels import Example, Mark
from edgelingua_export.train.loop import scores
from edgelingua_export.train.reader import ReaderLoss, said
from edgelingua_export.train.reader_cases import ReaderCase, Wording, join, make_case
from edgelingua_export.train.reader_data import cases
from edgelingua_export.train.recipe import DataSet, Reading, Student, Teacher
from edgelingua_export.train.records import records
from edgelingua_export.train.run import train
from edgelingua_export.train.student import shrink
from edgelingua_export.train.surprisal import MOST, labelled, soft_labels

Decode = Callable[[NDArray[np.int32]], str]
LAYOUT = Layout(2, 3, window=64, question=16)
TEXT = "The red pump stands in hall 7. It was built in 1907 and it's loud."


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def pieces(tiny_bert: Path) -> TextTokenizer:
    return TextTokenizer(tiny_bert / "tokenizer.json", "wordpiece")


@pytest.fixture(scope="module")
def tokens(tiny_lm: Path) -> TextTokenizer:
    return TextTokenizer(tiny_lm / "tokenizer.json", "space")


@pytest.fixture(scope="module")
def decode(tiny_lm: Path) -> Decode:
    tokenizer = AutoTokenizer.from_pretrained(tiny_lm)
    return lambda ids: str(tokenizer.decode(ids.tolist()))


@pytest.fixture(scope="module")
def reader(tiny_lm: Path) -> PreTrainedModel:
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(tiny_lm, dtype=torch.float32)
    return model.eval()


@pytest.fixture
def pruner(tiny_bert: Path) -> PreTrainedModel:
    torch.manual_seed(0)
    model: PreTrainedModel = AutoModelForTokenClassification.from_pretrained(tiny_bert)
    return model.eval()


def _case(pieces: TextTokenizer, tokens: TextTokenizer, question: str = "Where?") -> ReaderCase:
    passages = [TEXT, "A pump is a machine."]
    return make_case(passages, question, " hall 7", pieces, tokens, Wording("Read:\n"))


def _corpus(tokenizer: TextTokenizer, count: int) -> Corpus:
    return tokenize([replace(e, source="0") for e in records(count, 1)], tokenizer)


def test_pieces_and_tokens_stand_in_the_same_words(
    pieces: TextTokenizer, tokens: TextTokenizer, decode: Decode
) -> None:
    case = _case(pieces, tokens)
    text = f"{TEXT}\n\nA pump is a machine."
    spans = words(text)
    assert case.words == len(spans)
    assert sorted(set(case.reader_words.tolist()) - {-1}) == list(range(case.words))
    assert sorted({int(w) for part in case.text_words for w in part}) == list(range(case.words))
    for word, (start, end) in enumerate(spans.tolist()):
        assert text[start:end] in decode(case.reader[case.reader_words == word])
    assert (case.reader_words[-case.answer :] == -1).all()


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.floats(-8, 8), min_size=1, max_size=12),
    st.lists(st.floats(-8, 8), min_size=1, max_size=12),
    st.floats(0.05, 1),
)
def test_the_best_share_of_the_words_is_kept(a: list[float], b: list[float], rate: float) -> None:
    values = torch.full((2, 12), -torch.inf)
    values[0, : len(a)], values[1, : len(b)] = torch.tensor(a), torch.tensor(b)
    values.requires_grad_()
    rates = torch.tensor([rate, rate])
    gates = log_gates(values, rates)
    for row, given_scores in zip(gates.detach(), (a, b), strict=True):
        real, known = row[: len(given_scores)], torch.tensor(given_scores)
        kept = real > FLOOR / 2
        assert int(kept.sum()) == max(1, int(torch.tensor(len(known)) * rates[0]))
        assert torch.allclose(real, torch.where(kept, 0.0, FLOOR), atol=1e-4)
        assert not (~kept).any() or known[kept].min() >= known[~kept].max()
    (gradient,) = torch.autograd.grad(gates[:, : min(len(a), len(b))].sum(), values)
    assert torch.isfinite(gradient).all()
    assert (gradient[0, : min(len(a), len(b))] > 0).all()


def test_a_word_scores_as_the_mean_of_its_pieces() -> None:
    values = torch.tensor([[9.0, 1.0, 3.0, 5.0], [9.0, 2.0, 4.0, 9.0]])
    of = torch.tensor([[-1, 0, 0, 2], [-1, 0, 2, -1]])
    means = word_scores(values, torch.tensor([0, 1]), of, (2, 3))
    assert means.tolist() == [[2, -torch.inf, 5], [2, -torch.inf, 4]]


def test_gates_of_nothing_change_nothing_and_others_only_the_context(
    pieces: TextTokenizer, tokens: TextTokenizer, reader: PreTrainedModel
) -> None:
    short = make_case(["Short."], "", " hall", pieces, tokens, Wording())
    given_cases = join([_case(pieces, tokens), short], LAYOUT)
    open_gates = torch.zeros(given_cases.shape)
    with torch.no_grad():
        whole = said(reader, given_cases, None)
        assert torch.allclose(said(reader, given_cases, open_gates), whole, atol=1e-5)
        alone = said(reader, join([short], LAYOUT), None)
        closed = open_gates.clone()
        closed[0] = FLOOR
        pruned = said(reader, given_cases, closed)
    count = len(alone)
    assert torch.allclose(whole[-count:], alone, atol=1e-4)  # padding is not seen
    assert torch.allclose(pruned[-count:], whole[-count:], atol=1e-5)  # the other case's gates
    assert not torch.allclose(pruned[:-count], whole[:-count], atol=1e-4)


def test_closed_words_are_all_but_removed(
    pieces: TextTokenizer, tokens: TextTokenizer, reader: PreTrainedModel
) -> None:
    """What a closed gate hides may change without the reader's noticing."""
    case = _case(pieces, tokens)
    word = 3
    changed = replace(case, reader=np.where(case.reader_words == word, 17, case.reader))
    gates = torch.zeros(1, case.words)
    differences = []
    with torch.no_grad():
        for closed in (0.0, -30.0):
            gates[0, word] = closed
            one, other = (said(reader, join([c], LAYOUT), gates) for c in (case, changed))
            differences.append(float((one - other).abs().max()))
    assert differences[1] < 1e-5 < differences[0]


def test_the_reader_teaches_the_pruner_and_stays_as_it_is(
    pieces: TextTokenizer, tokens: TextTokenizer, reader: PreTrainedModel, pruner: PreTrainedModel
) -> None:
    batch = assemble(_corpus(pieces, 3), [(0, 1)], LAYOUT, np.random.default_rng(0))
    part = ReaderLoss(
        pruner, reader, [_case(pieces, tokens)] * 3, LAYOUT, Reading(cases=2), "fp32", 1
    )
    before = {n: p.clone() for n, p in reader.named_parameters()}
    values = scores(pruner, batch, "fp32")
    assert part(batch, values, 3).item() == part(batch, values, 3).item()
    part(batch, values, 3).backward()  # type: ignore[no-untyped-call]
    head = pruner.get_parameter("classifier.weight").grad
    assert head is not None
    assert float(head.abs().sum()) > 0
    optimizer = torch.optim.AdamW(pruner.parameters(), lr=1e-3)
    given_cases, rates = join([_case(pieces, tokens)] * 2, LAYOUT), np.asarray([0.5, 0.3])
    first = sum(part.parts(given_cases, rates), torch.zeros(())).item()
    lowest = first
    for _ in range(15):
        optimizer.zero_grad()
        value = sum(part.parts(given_cases, rates), torch.zeros(()))
        lowest = min(lowest, value.item())
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert lowest < first
    assert all(torch.equal(before[n], p) for n, p in reader.named_parameters())


def test_cases_come_from_answers_and_from_texts(
    pieces: TextTokenizer, tokens: TextTokenizer, decode: Decode
) -> None:
    at = TEXT.index("hall 7")
    long = " ".join(f"word{i}" for i in range(100))
    examples = [
        Example(TEXT, (Mark(at, at + 6, 1.0),), "Where is it?", "g"),
        Example("Another text.", (), "Where is it?", "g"),
        Example(long, (), "Where is it?", "g"),
        Example("No answer.", (), "Why?", "h"),
        Example("Too short."),
        Example(long),
    ]
    asked, alone = cases(examples, pieces, tokens, 80, 1)
    assert decode(asked.reader[-asked.answer :]) == " hall 7"
    assert len(asked.texts) == 2  # the long one has no room
    assert len(asked.question) > 0
    assert len(alone.question) == 0
    assert decode(alone.reader).startswith(" ".join(long.split()[:80]))
    assert alone.words == 80


def test_a_student_is_pulled_to_its_teacher_piece_by_piece(
    tiny_bert: Path, pieces: TextTokenizer, pruner: PreTrainedModel, tmp_path: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    corpus = _corpus(pieces, 20)
    longest = pruner.config.max_position_embeddings
    shrink(pruner, tokenizer, Student(vocabulary=300, positions=longest), corpus, tmp_path)
    student = AutoModelForTokenClassification.from_pretrained(tmp_path).eval()
    smaller = AutoTokenizer.from_pretrained(tmp_path)
    table = same_pieces(tokenizer, smaller)
    assert tokenizer.convert_ids_to_tokens(table.tolist()) == smaller.convert_ids_to_tokens(
        list(range(len(smaller)))
    )
    cut = _corpus(TextTokenizer(tmp_path / "tokenizer.json", "wordpiece"), 20)
    first, last = smaller.cls_token_id, smaller.sep_token_id
    batch = assemble(cut, [(0, 1)], replace(LAYOUT, first=first, last=last), _rng())
    part = Distillation(pruner, table, Teacher("x", 2.0), "fp32")
    # All else is the same, so what both say of the same pieces is.
    assert part(batch, scores(student, batch, "fp32"), 0).item() < 1e-6
    off = part(batch, scores(student, batch, "fp32") + 0.5, 0)
    assert off.item() == pytest.approx(2.0 * 0.125, rel=1e-3)
    with pytest.raises(ExportError, match="vocabulary is cut"):
        same_pieces(smaller, tokenizer)


def test_a_students_layers_learn_what_the_teachers_give(
    tiny_bert: Path, tiny_lm: Path, pieces: TextTokenizer, pruner: PreTrainedModel, tmp_path: Path
) -> None:
    corpus = _corpus(pieces, 20)
    batch = assemble(corpus, [(0, 1)], LAYOUT, _rng())
    mask = torch.from_numpy(batch.mask)
    other = AutoModelForTokenClassification.from_pretrained(tiny_bert).eval()

    def distance(layers: tuple[int, ...]) -> Tensor:
        student = AutoModelForTokenClassification.from_pretrained(tiny_bert).eval()
        states = HiddenStates(student, other, layers)
        for model in (student, other):
            scores(model, batch, "fp32")
        found: Tensor = states.distance(mask)
        return found

    assert distance((0, 1)).item() < 1e-6
    assert distance(()).item() < 1e-6
    assert distance((1, 1)).item() > 0.1

    student = AutoModelForTokenClassification.from_pretrained(tiny_bert).eval()
    values = scores(student, batch, "fp32")
    table, options = np.arange(student.config.vocab_size), Teacher("x", hidden=2.0)
    plain = Distillation(other, table, options, "fp32")(batch, values, 0)
    states = HiddenStates(student, other, (1, 1))
    values = scores(student, batch, "fp32")
    both = Distillation(other, table, options, "fp32", states)(batch, values, 0)
    (both - plain).backward()  # type: ignore[no-untyped-call]
    assert (both - plain).item() == pytest.approx(2 * distance((1, 1)).item(), rel=1e-4)
    first = "bert.encoder.layer.0.output.dense.weight"
    assert student.get_parameter(first).grad is not None
    assert other.get_parameter(first).grad is None
    narrow = AutoTokenizer.from_pretrained(tiny_bert)
    shrink(pruner, narrow, Student(hidden=16, positions=64), corpus, tmp_path)
    small = AutoModelForTokenClassification.from_pretrained(tmp_path)
    for student, layers in ((other, (0,)), (other, (0, 2)), (small, (0, 1))):
        with pytest.raises(ExportError, match="equal widths"):
            HiddenStates(student, pruner, layers)
    with pytest.raises(ExportError, match="no encoder with layers"):
        HiddenStates(other, AutoModelForCausalLM.from_pretrained(tiny_lm), ())


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_narrow_embeddings_give_the_encoder_nearly_what_it_had(
    tiny_bert: Path, pieces: TextTokenizer, pruner: PreTrainedModel, tmp_path: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    wide, corpus = pruner.config.hidden_size, _corpus(pieces, 20)
    ids = torch.from_numpy(corpus.tokens(0)[:40].astype(np.int64))[None]
    errors = []
    for width in (wide // 4, wide - 4):
        folder = tmp_path / str(width)
        student = Student(embedding=width, positions=pruner.config.max_position_embeddings)
        shrink(pruner, tokenizer, student, corpus, folder)
        small = AutoModelForTokenClassification.from_pretrained(folder).eval()
        assert small.config.model_type == "electra"
        assert small.get_input_embeddings().weight.shape[1] == width
        with torch.no_grad():
            wanted = pruner.get_submodule("bert.embeddings")(ids)
            got = small.get_submodule("electra.embeddings")(ids)
            got = small.get_submodule("electra.embeddings_project")(got)
        errors.append(float((got - wanted).norm() / wanted.norm()))
    assert errors[1] < 0.3
    assert errors[1] < errors[0] < 1
    with pytest.raises(ExportError, match="embedding"):
        shrink(pruner, tokenizer, Student(embedding=wide), corpus, tmp_path / "no")


@given(st.lists(st.floats(0, 20), max_size=40))
def test_what_surprises_more_is_kept_rather(values: list[float]) -> None:
    labels = soft_labels(np.asarray(values))
    assert ((labels >= 0) & (labels <= MOST)).all()
    order = np.argsort(values, kind="stable")
    assert (np.diff(labels[order]) > 0).all()


def test_labels_are_the_scorers_surprisal(scorer_bundle: ModelBundle) -> None:
    scorer = PerplexityScorer(scorer_bundle)
    plain = Example(TEXT, (Mark(0, 3, 1.0),), "", "g", "s")
    alone, asked = labelled([plain, replace(plain, question="Where is the pump?")], scorer)
    assert [TEXT[m.start : m.end] for m in alone.marks] == [TEXT[a:b] for a, b in words(TEXT)]
    assert (alone.group, alone.source) == ("g", "s")
    scored = scorer.score(TEXT)
    ends, last = words(TEXT)[:, 1], scored.spans[:, 1]  # a space belongs to what follows it
    nats = [
        float(scored.scores[(last > a) & (last <= b)].sum())
        for a, b in zip([0, *ends[:-1]], ends, strict=True)
    ]
    order = np.argsort([m.label for m in alone.marks])
    assert (np.diff(np.asarray(nats)[order]) >= -1e-4).all()
    assert [m.label for m in asked.marks] != [m.label for m in alone.marks]


def test_the_words_of_a_group_are_ranked_together(scorer_bundle: ModelBundle) -> None:
    scorer = PerplexityScorer(scorer_bundle)
    texts = [TEXT, "Another text, about the harbour of the town."]
    group = [Example(text, (), "Where is the pump?", "g") for text in texts]
    found = [mark.label for example in labelled(group, scorer) for mark in example.marks]
    number = len(found)
    wanted = MOST * ((np.arange(number) + 0.5) / number) ** 2
    assert np.sort(found) == pytest.approx(wanted, abs=1e-6)
    apart = [next(labelled([replace(e, group="")], scorer)) for e in group]
    assert [mark.label for example in apart for mark in example.marks] != found


def test_any_text_of_a_recipe_can_be_labelled_by_a_scorer(
    scorer_bundle: ModelBundle, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text(f"{TEXT}\n", encoding="utf-8")
    data_set = DataSet("text", "a.txt", digits=0.0, scorer=str(scorer_bundle.folder))
    (example,) = prepare.examples(data_set, tmp_path, 1)
    assert max(m.label for m in example.marks) > MOST / 2
    (plain,) = prepare.examples(replace(data_set, scorer=""), tmp_path, 1)
    assert plain.marks == ()
    assert plain.text == example.text


def test_a_recipe_with_teacher_and_reader_is_trained(
    tiny_bert: Path, tiny_lm: Path, tmp_path: Path
) -> None:
    rows = [
        {
            "context": f"The {name} pump stands in hall {n}. It was built in {1900 + n}.",
            "qas": [{"question": f"Where is the {name} pump?", "answer": f"hall {n}"}],
        }
        for n, name in enumerate(["red", "blue", "old", "new"])
    ]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    (tmp_path / "r.toml").write_text(
        f'base = "{tiny_bert}"\n[schedule]\nepochs = 1\ngroups = 2\nheld_out = 0.0\n'
        "[windows]\nwindow = 64\nquestion = 16\n"
        "[student]\nlayers = [0, 1]\nembedding = 16\npositions = 64\n"
        f'[teacher]\nmodel = "{tiny_bert}"\nhidden = 0.5\n'
        f'[reader]\nmodel = "{tiny_lm}"\ncases = 2\n'
        '[[data]]\nformat = "squad"\nfile = "mine.jsonl"\nnegatives = 1\n'
    )
    told: list[str] = []
    recipe = (tmp_path / "r.toml").read_text()
    (tmp_path / "short.toml").write_text(recipe.replace("cases = 2", "words = 3"))
    with pytest.raises(ExportError, match=r"raise reader\.words"):
        train(tmp_path / "short.toml", tmp_path, tmp_path / "no", False, told.append)
    folder = train(tmp_path / "r.toml", tmp_path, tmp_path / "out", False, told.append)
    assert AutoModelForTokenClassification.from_pretrained(folder).config.embedding_size == 16
    assert any("4 cases" in line for line in told)
    options = BuildOptions(search=SearchOptions(objective="first", max_loss=0.5))
    built = build(find(str(folder)), "classifier", tmp_path / "bundle", options, told.append)
    assert built.recipe["fused"] == "Attention in 2 layers"
    assert built.tokens.pair
