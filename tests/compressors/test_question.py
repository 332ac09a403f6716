"""Passages ranked by a question, whoever ranks them and whoever scores the tokens."""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from edgelingua.budget import Budget
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressed import Compressed
from edgelingua.compressors import Rules, TokenPruner, load_compressor
from edgelingua.compressors.llmlingua2_question import RankedJudge
from edgelingua.compressors.parts.passages import PassageScorer, cut
from edgelingua.compressors.parts.rankers import Bm25Ranker, LikelihoodRanker
from edgelingua.compressors.question_aware import SurpriseJudge
from edgelingua.compressors.random import RandomScorer
from edgelingua.errors import InputError, MissingExtraError
from edgelingua.prompt import Prompt
from edgelingua.scorers import ClassifierScorer, PerplexityScorer
from edgelingua.text.boundaries import count_words, words
from tests.conftest import DOCUMENT

QUESTION = "Which code name does the project have?"
EVIDENCE = "The code name of the project is Blue Heron, says report seven."
REPORTS = " ".join(f"Report {i} says nothing of note about item {i}." for i in range(30))


def test_a_ranker_in_front_of_a_classifier_finds_the_evidence(bert_bundle: ModelBundle) -> None:
    text = f"{REPORTS} {EVIDENCE} {REPORTS}"
    budget = Budget(rate=0.2)
    compressor = load_compressor("llmlingua2_question", bert_bundle.folder)
    assert isinstance(compressor, TokenPruner)
    asked = compressor.compress(Prompt.build(text, question=QUESTION), budget)
    other = compressor.compress(Prompt.build(text, question="What of item 3?"), budget)
    shares = [share_kept(compressed, text.index(EVIDENCE)) for compressed in (asked, other)]
    assert shares[0] > 0.7
    assert shares[1] < 0.4


def share_kept(compressed: Compressed, start: int) -> float:
    """Return how much of the evidence at ``start`` was kept."""
    kept = np.zeros(len(compressed.prompt.text))
    for a, b in compressed.spans.tolist():
        kept[a:b] = 1
    return float(kept[start : start + len(EVIDENCE)].mean())


def test_inside_a_passage_words_are_ranked_by_the_classifier(bert_bundle: ModelBundle) -> None:
    classifier = ClassifierScorer(bert_bundle)
    judge = RankedJudge(classifier, Bm25Ranker(), passage=10_000)
    text = DOCUMENT.read_text(encoding="utf-8")[:2000]
    prompt = Prompt.build(text, question=QUESTION)
    # One passage: there is nothing for the ranker to decide. Without the guard, to which a score of
    # 0.9 of the best is the limit of what may answer: ranks are on another scale.
    alone = Rules(guard=False)
    whole = TokenPruner(PassageScorer(judge), rules=alone).compress(prompt, Budget(rate=0.5))
    plain = TokenPruner(classifier, rules=alone).compress(prompt, Budget(rate=0.5))
    assert whole.text == plain.text


def test_a_scorer_bundle_ranks_as_question_aware_does(
    bert_bundle: ModelBundle, scorer_bundle: ModelBundle
) -> None:
    compressor = load_compressor(
        "llmlingua2_question", bert_bundle.folder, ranker=scorer_bundle.folder
    )
    prompt = Prompt.build(REPORTS + EVIDENCE, question=QUESTION)
    compressed = compressor.compress(prompt, Budget(rate=0.4))
    by_words = load_compressor("llmlingua2_question", bert_bundle.folder).compress(
        prompt, Budget(rate=0.4)
    )
    assert compressed.text != by_words.text
    scorer = PerplexityScorer(scorer_bundle)
    judged = SurpriseJudge(scorer, passage=40).judge(REPORTS, QUESTION, None)
    spans = scorer.tokenizer.encode(REPORTS).spans
    texts = [REPORTS[spans[a, 0] : spans[b - 1, 1]] for a, b in judged.passages]
    relevance = LikelihoodRanker(scorer).rank(texts, QUESTION)
    np.testing.assert_allclose(relevance, judged.relevance, atol=1e-5)


def test_progress_runs_once_from_start_to_end(
    bert_bundle: ModelBundle, scorer_bundle: ModelBundle
) -> None:
    judge = RankedJudge(
        ClassifierScorer(bert_bundle), LikelihoodRanker(PerplexityScorer(scorer_bundle))
    )
    seen: list[float] = []
    judge.judge(REPORTS, QUESTION, lambda done, total: seen.append(done / total))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert any(0.5 < part < 1 for part in seen)


def test_any_scorer_and_ranker_can_be_put_together() -> None:
    class Last:
        def rank(
            self, texts: list[str], question: str, progress: object = None
        ) -> NDArray[np.float64]:
            return np.arange(len(texts), dtype=np.float64)

    text = "One two three. Four five six. Seven eight nine."
    pruner = TokenPruner(PassageScorer(RankedJudge(RandomScorer(), Last(), passage=4), depth=0))  # type: ignore[arg-type]
    compressed = pruner.compress(Prompt.build(text, question="Why?"), Budget(tokens=7))
    assert compressed.text == " Seven eight nine.\n\nWhy?"


def test_passages_tile_the_tokens_and_end_with_sentences() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")[:8000] + " word" * 300
    spans = words(text)
    passages = cut(text, spans, 50)
    assert passages[0][0] == 0
    assert passages[-1][1] == len(spans)
    assert all(a[1] == b[0] for a, b in pairwise(passages))
    assert max(end - start for start, end in passages) <= 50
    ended = [text[spans[end - 1, 0]] in ".?!;" for _, end in passages]
    assert sum(ended) > len(ended) / 2


def test_a_word_in_one_of_two_texts_counts() -> None:
    """With Okapi's weights it would not."""
    relevance = Bm25Ranker().rank(["The sum was paid.", "The gold was red."], "Which gold?")
    assert relevance[1] > relevance[0]
    assert len(Bm25Ranker().rank([], "Which gold?")) == 0


def test_the_question_is_needed_and_rankers_only_where_they_are_used(
    bert_bundle: ModelBundle, scorer_bundle: ModelBundle
) -> None:
    compressor = load_compressor("llmlingua2_question", bert_bundle.folder)
    with pytest.raises(InputError, match="needs one"):
        compressor.compress(Prompt.build("A text."), Budget(rate=0.5))
    with pytest.raises(InputError, match="takes no ranker; a ranker is for llmlingua2_question"):
        load_compressor("llmlingua2", bert_bundle.folder, ranker=scorer_bundle.folder)


def test_without_bm25_a_bundle_can_rank(
    monkeypatch: pytest.MonkeyPatch, bert_bundle: ModelBundle, scorer_bundle: ModelBundle
) -> None:
    monkeypatch.setitem(sys.modules, "rank_bm25", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'edgelingua\[bm25\]'"):
        load_compressor("llmlingua2_question", bert_bundle.folder)
    load_compressor("llmlingua2_question", bert_bundle.folder, ranker=scorer_bundle.folder)


def test_words_of_the_question_count_in_any_case() -> None:
    prompt = Prompt.build("Cats sleep. GOLD was paid. Dogs bark.", question="How much gold?")
    compressed = load_compressor("bm25").compress(prompt, Budget(tokens=9, count=count_words))
    assert "GOLD was paid" in compressed.text
