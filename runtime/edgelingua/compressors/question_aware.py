"""Question-aware token pruning: passages that predict the question keep more of their tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgelingua.budget import Count
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressors.parts.documents import RESTRICTION, question_nll
from edgelingua.compressors.parts.passages import Judged, PassageScorer, cut
from edgelingua.compressors.parts.token_pruner import TokenPruner
from edgelingua.ort.session import RunOptions
from edgelingua.scorers.perplexity import PerplexityScorer
from edgelingua.scores import Progress


@dataclass(frozen=True)
class SurpriseJudge:
    """Rank passages by how well they predict the question, and tokens inside by their surprise.

    The ranking of passages is the coarse step of LongLLMLingua (Jiang et al. 2023,
    arXiv:2310.06839): the mean NLL of the question given the passage, ascending. One run per
    passage gives both that and the self-information of the passage's own tokens.

    Parameters
    ----------
    scorer
        The causal LM.
    passage
        Most tokens of a passage; passages end where sentences do, if a sentence is not longer.
    """

    scorer: PerplexityScorer
    passage: int = 120

    @property
    def count(self) -> Count:
        """Counts tokens with the scorer's own tokenizer."""
        return self.scorer.count

    def judge(self, text: str, question: str, progress: Progress | None) -> Judged:
        """Judge ``text``: one run of the model per passage."""
        encoding = self.scorer.tokenizer.encode(text)
        asked = self.scorer.tokenizer.encode("\n\n" + question + RESTRICTION).ids
        passages = cut(text, encoding.spans, self.passage)
        relevance = np.zeros(len(passages))
        information = np.zeros(len(encoding.ids), dtype=np.float32)
        for index, (start, end) in enumerate(passages):
            nll, loss = question_nll(self.scorer, encoding.ids[start:end], asked)
            information[start:end] = nll
            relevance[index] = -loss
            if progress:
                progress(end, len(encoding.ids))
        return Judged(encoding.spans, encoding.starts, information, passages, relevance)


def make(bundle: ModelBundle, options: RunOptions | None = None) -> TokenPruner:
    """Keep the most of the passages that the question is about."""
    return TokenPruner(PassageScorer(SurpriseJudge(PerplexityScorer(bundle, options=options))))
