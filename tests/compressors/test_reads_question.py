"""Classifiers that read a question in front of the text."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForTokenClassification

from edgelingua import Budget, Prompt
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressors import load_compressor
from edgelingua.errors import InputError
from edgelingua.scorers import ClassifierScorer
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.errors import ExportError
from edgelingua_export.sources import find

TEXT = "The tribunal sat in Geneva. It awarded fifteen million dollars in gold to the claimant."
QUESTION = "How much was awarded?"


def silent(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def bundle(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """The tiny BERT, saying in its configuration that it reads questions."""
    folder = tmp_path_factory.mktemp("question")
    shutil.copytree(tiny_bert, folder / "model")
    config = json.loads((folder / "model" / "config.json").read_text())
    (folder / "model" / "config.json").write_text(json.dumps({**config, "reads_question": True}))
    build(
        find(str(folder / "model")),
        "classifier",
        folder / "b",
        BuildOptions(keep_fp32=True),
        silent,
    )
    return ModelBundle.open(folder / "b")


def test_scores_are_those_of_the_sentence_pair(bundle: ModelBundle, tiny_bert: Path) -> None:
    scorer = ClassifierScorer(bundle, variant="cpu-fp32")
    assert scorer.reads_question
    assert bundle.manifest.tokens.pair == (3,)
    text, question = (scorer.tokenizer.encode(t).ids for t in (TEXT, QUESTION))
    question = question[-(62 // 3) :]
    text = text[: 62 - len(question) - 1]
    model = AutoModelForTokenClassification.from_pretrained(tiny_bert)
    sequence = [2, *question, 3, *text, 3]
    types = [0] * (len(question) + 2) + [1] * (len(text) + 1)
    with torch.inference_mode():
        logits = model(
            input_ids=torch.as_tensor([sequence]), token_type_ids=torch.as_tensor([types])
        ).logits[0]
    expected = logits.softmax(1)[len(question) + 2 : -1, 1].numpy()
    np.testing.assert_allclose(scorer.score_ids(text, question=question), expected, atol=1e-5)


def test_a_question_changes_scores_and_none_changes_nothing(
    bundle: ModelBundle, bert_bundle: ModelBundle
) -> None:
    asked, plain = (ClassifierScorer(b, variant="cpu-fp32") for b in (bundle, bert_bundle))
    unasked = plain.score(TEXT, QUESTION).scores
    np.testing.assert_array_equal(asked.score(TEXT).scores, unasked)
    assert np.abs(asked.score(TEXT, QUESTION).scores - unasked).max() > 1e-3


def test_any_length_of_text_and_question(bundle: ModelBundle) -> None:
    scorer = ClassifierScorer(bundle)
    question = scorer.tokenizer.encode(QUESTION * 40).ids
    for length in (1, 19, 40, 41, 42, 500):
        ids = np.resize(scorer.tokenizer.encode(TEXT).ids, length)
        keep = scorer.score_ids(ids, question=question)
        assert keep.shape == (length,)
        assert ((keep > 0) & (keep < 1)).all()


def test_llmlingua2_reads_the_question(bundle: ModelBundle) -> None:
    compressor = load_compressor("llmlingua2", bundle.folder)
    results = {
        question: compressor.compress(
            Prompt.build(TEXT * 3, question=question), Budget(rate=0.4)
        ).spans.tolist()
        for question in ("", QUESTION)
    }
    assert results[""] != results[QUESTION]


def test_windows_too_short_for_both(bundle: ModelBundle) -> None:
    scorer = ClassifierScorer(bundle, window=5)
    with pytest.raises(InputError, match="no room for a text beside a question"):
        scorer.score_ids(np.arange(9), question=np.arange(3))


def test_a_classifier_not_made_for_questions(bert_bundle: ModelBundle) -> None:
    with pytest.raises(InputError, match="not made for questions"):
        ClassifierScorer(bert_bundle).score_ids(np.arange(9), question=np.arange(3))


def test_a_tokenizer_that_joins_no_texts(tiny_xlmr: Path, tmp_path: Path) -> None:
    options = BuildOptions(reads_question=True)
    with pytest.raises(ExportError, match="joins two texts"):
        build(find(str(tiny_xlmr)), "classifier", tmp_path / "b", options, silent)
