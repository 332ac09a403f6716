"""Classifiers that read a question in front of the text."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForTokenClassification

from edgelingua.bundle.bundle import ModelBundle
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


def test_a_tokenizer_that_joins_no_texts(tiny_xlmr: Path, tmp_path: Path) -> None:
    options = BuildOptions(reads_question=True)
    with pytest.raises(ExportError, match="joins two texts"):
        build(find(str(tiny_xlmr)), "classifier", tmp_path / "b", options, silent)
