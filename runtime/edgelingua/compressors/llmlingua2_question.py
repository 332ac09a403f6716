"""LLMLingua-2 with a question: passages ranked by it, then a token classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgelingua.budget import Count
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressors.parts.passages import Judged, PassageScorer, cut
from edgelingua.compressors.parts.rankers import Bm25Ranker, LikelihoodRanker, Ranker
from edgelingua.compressors.parts.token_pruner import TokenPruner
from edgelingua.ort.session import RunOptions
from edgelingua.scorers.classifier import ClassifierScorer
from edgelingua.scorers.perplexity import PerplexityScorer
from edgelingua.scores import Progress, Scorer, part_of, pool


@dataclass(frozen=True)
class RankedJudge:
    """Rank passages with one part, and tokens with another that knows no question.

    The coarse step of LongLLMLingua (Jiang et al. 2023, arXiv:2310.06839) before the token
    classifier of LLMLingua-2 (Pan et al. 2024, arXiv:2403.12968), or before any other scorer. The
    scorer sees the whole text, not one passage at a time.

    Parameters
    ----------
    scorer
        Scores tokens.
    ranker
        Ranks passages.
    passage
        Most tokens of a passage; passages end where sentences do, if a sentence is not longer.
    """

    scorer: Scorer
    ranker: Ranker
    passage: int = 120

    @property
    def count(self) -> Count:
        """Counts tokens with the scorer's own tokenizer."""
        return self.scorer.count

    def judge(self, text: str, question: str, progress: Progress | None) -> Judged:
        """Judge ``text``; to ``progress``, scoring and ranking are half of the work each.

        Tokens are ordered by the score of their word, as LLMLingua-2 ranks words and not tokens;
        in a word by their own.
        """
        scores = self.scorer.score(text, progress=part_of(progress, 0, 2))
        passages = cut(text, scores.spans, self.passage)
        texts = [text[scores.spans[a, 0] : scores.spans[b - 1, 1]] for a, b in passages]
        relevance = self.ranker.rank(texts, question, part_of(progress, 1, 2))
        order = np.zeros(len(scores.spans))
        if len(order):
            begins = np.union1d(0, np.flatnonzero(scores.starts))
            sizes = np.diff(np.append(begins, len(order)))
            of_word = np.repeat(pool(scores.scores, begins, scores.unit), sizes)
            order[np.lexsort((-scores.scores, -of_word))] = -np.arange(len(order))
        return Judged(scores.spans, scores.starts, order, passages, relevance)


def make(
    bundle: ModelBundle, options: RunOptions | None = None, ranker: ModelBundle | None = None
) -> TokenPruner:
    """Keep the most of the passages that the question is about, by P(keep) inside.

    Parameters
    ----------
    bundle
        The classifier.
    ranker
        A causal LM that ranks passages by how well they predict the question. ``None``: BM25.
    """
    by = LikelihoodRanker(PerplexityScorer(ranker, options=options)) if ranker else Bm25Ranker()
    return TokenPruner(PassageScorer(RankedJudge(ClassifierScorer(bundle, options=options), by)))
