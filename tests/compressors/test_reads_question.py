"""A classifier that was trained to read a question before the text."""

from __future__ import annotations

import numpy as np
import pytest

from edgelingua import Budget, Prompt
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressors import load_compressor
from edgelingua.errors import InputError
from edgelingua.scorers import ClassifierScorer

TEXT = "The tribunal sat in Geneva. It awarded fifteen million dollars in gold to the claimant."
QUESTION = "How much was awarded?"


def test_a_question_changes_scores_and_none_changes_nothing(
    question_bundle: ModelBundle, bert_bundle: ModelBundle
) -> None:
    asked, plain = (ClassifierScorer(b, variant="cpu-fp32") for b in (question_bundle, bert_bundle))
    unasked = plain.score(TEXT, QUESTION).scores
    np.testing.assert_array_equal(asked.score(TEXT).scores, unasked)
    assert np.abs(asked.score(TEXT, QUESTION).scores - unasked).max() > 1e-3


def test_any_length_of_text_and_question(question_bundle: ModelBundle) -> None:
    scorer = ClassifierScorer(question_bundle)
    question = scorer.tokenizer.encode(QUESTION * 40).ids
    for length in (1, 19, 40, 41, 42, 500):
        ids = np.resize(scorer.tokenizer.encode(TEXT).ids, length)
        keep = scorer.score_ids(ids, question=question)
        assert keep.shape == (length,)
        assert ((keep > 0) & (keep < 1)).all()


def test_llmlingua2_reads_the_question(question_bundle: ModelBundle) -> None:
    compressor = load_compressor("llmlingua2", question_bundle.folder)
    results = {
        question: compressor.compress(
            Prompt.build(TEXT * 3, question=question), Budget(rate=0.4)
        ).spans.tolist()
        for question in ("", QUESTION)
    }
    assert results[""] != results[QUESTION]


def test_windows_too_short_for_both(question_bundle: ModelBundle) -> None:
    scorer = ClassifierScorer(question_bundle, window=5)
    with pytest.raises(InputError, match="no room for a text beside a question"):
        scorer.score_ids(np.arange(9), question=np.arange(3))


def test_a_classifier_not_made_for_questions(bert_bundle: ModelBundle) -> None:
    with pytest.raises(InputError, match="not made for questions"):
        ClassifierScorer(bert_bundle).score_ids(np.arange(9), question=np.arange(3))
