"""Training of sentence encoders: batches, loss, what is measured, the command."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModel

from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export.errors import ExportError
from edgelingua_export.train.batches import Layout
from edgelingua_export.train.corpus import Corpus, tokenize
from edgelingua_export.train.labels import Example, Mark
from edgelingua_export.train.recipe import is_sentence, load
from edgelingua_export.train.sentence.batches import assemble
from edgelingua_export.train.sentence.contrast import loss, similarities
from edgelingua_export.train.sentence.measure import found
from edgelingua_export.train.sentence.run import train

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def tokenizer(tiny_sentence: Path) -> TextTokenizer:
    return TextTokenizer(tiny_sentence / "tokenizer.json", "wordpiece")


def _corpus(tokenizer: TextTokenizer, count: int) -> Corpus:
    examples = []
    for number in range(count):
        text = f"The pump of {number} is old. It stands in hall {number}. It is red."
        mark = Mark(text.index("It stands"), text.index(" It is"), 0.5)
        ask = f"Where is pump {number}?"
        examples.append(Example(text, (mark,), ask, str(number), "0"))
        examples.append(Example(f"Nothing of {number} here. Nor there.", (), ask, str(number), "0"))
    return tokenize(examples, tokenizer)


@pytest.mark.parametrize("stream", [0.0, 1.0])
@pytest.mark.parametrize("window", [64, 12])
def test_a_batch_has_each_text_once_and_its_labels(
    tokenizer: TextTokenizer, stream: float, window: int
) -> None:
    corpus = _corpus(tokenizer, 3)
    edges = corpus.groups().tolist()
    spans = list(pairwise(edges))
    layout = Layout(2, 3, window=window, question=16, passages=5, stream=stream)
    # Two questions about one group: its texts are there once.
    batch = assemble(corpus, [*spans, spans[0]], layout, np.random.default_rng(0))
    assert len(batch.sizes) == 3 * 5
    assert batch.labels.shape == batch.own.shape == (4, 15)
    assert batch.labels.sum(axis=1).tolist() == [0.5] * 4
    assert (batch.own.sum(axis=1) == 5).all()
    assert (batch.labels[0] == batch.labels[3]).all()
    assert batch.windows.ids.shape[1] <= window
    counted = np.bincount(batch.windows.sentence[batch.windows.sentence >= 0], minlength=15)
    assert (counted == np.minimum(batch.sizes, window - 2)).all()
    assert (batch.windows.ids[batch.windows.sentence < 0] <= 3).all(), "only what stands around"


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.lists(st.sampled_from([0.0, 0.4, 1.0]), min_size=4, max_size=4), min_size=1),
)
@settings(max_examples=50)
def test_the_loss_is_infonce_over_what_is_no_evidence(seed: int, rows: list[list[float]]) -> None:
    labels = np.asarray(rows, dtype=np.float32)
    cosines = np.random.default_rng(seed).uniform(-1, 1, labels.shape).astype(np.float32)
    got = float(loss(torch.from_numpy(cosines), torch.from_numpy(labels), 0.1))
    expected = []
    for said, wanted in zip(np.exp(cosines.astype(float) / 0.1), labels, strict=True):
        if wanted.any():
            others = said[wanted == 0].sum()
            nats = [w * -np.log(s / (s + others)) for s, w in zip(said, wanted, strict=True) if w]
            expected.append(sum(nats) / wanted.sum())
    assert got == pytest.approx(np.mean(expected) if expected else 0.0, abs=1e-4)


def test_a_cosine_is_that_of_mean_states(tokenizer: TextTokenizer, tiny_sentence: Path) -> None:
    corpus = _corpus(tokenizer, 2)
    model = AutoModel.from_pretrained(tiny_sentence).eval()
    layout = Layout(2, 3, window=64, question=16, passages=5, stream=0.0)
    with torch.no_grad():
        batch = assemble(corpus, [(0, 2)], layout, np.random.default_rng(0))
        cosines = similarities(model, batch, "fp32")[0]
        text = int(np.flatnonzero(batch.labels[0])[0])
        at = (batch.windows.sentence == text).nonzero()
        row = int(at[0][0])
        length = int(batch.windows.mask[row].sum())
        states = model(torch.from_numpy(batch.windows.ids[row : row + 1, :length]))
        said = states.last_hidden_state[0, at[1]].mean(dim=0)
        asked = torch.from_numpy(batch.questions.ids[:, batch.questions.mask[0]])
        question = model(asked).last_hidden_state[0, 1:-1].mean(dim=0)
    assert float(cosines[text]) == pytest.approx(
        float(torch.cosine_similarity(said, question, dim=0)), abs=1e-4
    )


def _recipe(base: Path, window: int = 64, data: str = "mine.jsonl") -> str:
    return (
        f'base = "{base}"\n[sentence]\ntemperature = 0.05\n[schedule]\nepochs = 12\ngroups = 6\n'
        f"held_out = 0.2\nlearning_rate = 3e-3\ndropout = 0.0\n[windows]\nwindow = {window}\n"
        f'question = 16\n[[data]]\nformat = "squad"\nfile = "{data}"\nnegatives = 3\n'
    )


def test_the_command_makes_an_encoder_that_finds_evidence(
    tiny_sentence: Path, tmp_path: Path
) -> None:
    rows = [
        {
            "context": f"The {name} pump is loud. It stands in hall {number}. Nobody likes it.",
            "qas": [{"question": f"Where is the {name} pump?", "answer": f"hall {number}"}],
        }
        for number, name in enumerate(["red", "blue", "old", "new", "small", "large"] * 4)
    ]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    recipe, out = tmp_path / "r.toml", tmp_path / "out"
    recipe.write_text(_recipe(tiny_sentence, window=65))
    assert is_sentence(recipe)
    with pytest.raises(ExportError, match="at most 64"):
        train(recipe, tmp_path, out, False, lambda _: None)
    recipe.write_text(_recipe(tiny_sentence))
    folder = train(recipe, tmp_path, out, False, lambda _: None)
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert log[-1]["loss"] < 0.8 * log[0]["loss"]
    told = json.loads((out / "report.json").read_text())
    assert set(told["found"]) == {"0.2", "0.1", "0.05"}
    corpus = Corpus.load(next(out.glob("corpus-*.npz")))
    edges = corpus.groups().tolist()
    spans, layout = list(pairwise(edges)), Layout(2, 3, window=64, question=16)
    before, after = (
        found(AutoModel.from_pretrained(place), corpus, spans, layout, "fp32")["0.2"]
        for place in (tiny_sentence, folder)
    )
    assert after > before
    with pytest.raises(ExportError, match="--resume"):
        train(recipe, tmp_path, out, False, lambda _: None)


def test_a_recipe_without_questions_and_one_with_a_teacher_are_refused(
    tiny_sentence: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "r.toml"
    (tmp_path / "text.txt").write_text("Nobody asks about this. " * 20)
    plain = _recipe(tiny_sentence, data="text.txt").replace('"squad"', '"text"')
    recipe.write_text(plain)
    with pytest.raises(ExportError, match="questions with evidence"):
        train(recipe, tmp_path, tmp_path / "out", False, lambda _: None)
    recipe.write_text(plain + '[teacher]\nmodel = "x"\n')
    with pytest.raises(ExportError, match="learns from labels alone"):
        load(recipe)
