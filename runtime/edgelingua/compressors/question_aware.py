"""Question-aware token pruning: passages that predict the question keep more of their tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgelingua.budget import Count
from edgelingua.bundle import ModelBundle
from edgelingua.compressors.documents import RESTRICTION, question_nll
from edgelingua.compressors.pruning import TokenPruner
from edgelingua.errors import InputError
from edgelingua.ort import RunOptions
from edgelingua.scorers.perplexity import PerplexityScorer
from edgelingua.scores import Progress, Spans, TokenScores
from edgelingua.text import sentences


@dataclass(frozen=True)
class QuestionAwareScorer:
    """Rank passages by how well they predict the question, and tokens inside by their surprise.

    The ranking of passages is the coarse step of LongLLMLingua (Jiang et al. 2023,
    arXiv:2310.06839): the mean NLL of the question given the passage, ascending. One run per
    passage gives both that and the self-information of the passage's own tokens.

    The two become one score. Laid end to end in rank order, a passage starts ``s`` tokens into the
    pile; its token at quantile ``u`` of self-information (0: most surprising) scores
    ``-(s + depth * u)``. So the best passage loses its dullest tokens only when the budget could
    not pay for the sharpest ones of the passage ``depth`` tokens further down.

    Parameters
    ----------
    scorer
        The causal LM.
    passage
        Most tokens of a passage; passages end where sentences do, if a sentence is not longer.
    depth
        See above; 0 keeps and drops whole passages but for one.
    """

    scorer: PerplexityScorer
    passage: int = 120
    depth: float = 240.0

    @property
    def count(self) -> Count:
        """Counts tokens with the scorer's own tokenizer."""
        return self.scorer.count

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        """Score ``text`` for ``question``.

        Raises
        ------
        InputError
            There is no question.
        """
        if not question:
            raise InputError("this method ranks passages by the question: the prompt needs one")
        encoding = self.scorer.tokenizer.encode(text)
        asked = self.scorer.tokenizer.encode("\n\n" + question + RESTRICTION).ids
        passages = self._passages(text, encoding.spans)
        relevance = np.zeros(len(passages))
        information = np.zeros(len(encoding.ids), dtype=np.float32)
        for index, (start, end) in enumerate(passages):
            nll, loss = question_nll(self.scorer, encoding.ids[start:end], asked)
            information[start:end] = nll
            relevance[index] = -loss
            if progress:
                progress(end, len(encoding.ids))
        depth_in_pile = np.zeros(len(encoding.ids), dtype=np.float32)
        pile = 0
        for index in np.argsort(-relevance, kind="stable").tolist():
            start, end = passages[index]
            dullness = np.argsort(np.argsort(-information[start:end], kind="stable"))
            depth_in_pile[start:end] = pile + self.depth * dullness / (end - start)
            pile += end - start
        return TokenScores.from_pieces(encoding.spans, -depth_in_pile, encoding.starts, "rank")

    def _passages(self, text: str, spans: Spans) -> list[tuple[int, int]]:
        """Cut tokens into passages: half-open ranges of token indices."""
        sentence_ends = np.searchsorted(spans[:, 0], sentences(text)[:, 1]).tolist()
        passages = []
        start = 0
        for at, end in enumerate(sentence_ends):
            while end - start > self.passage:  # one long sentence
                passages.append((start, start + self.passage))
                start += self.passage
            following = sentence_ends[at + 1] if at + 1 < len(sentence_ends) else None
            if end > start and (following is None or following - start > self.passage):
                passages.append((start, end))
                start = end
        return passages


def make(bundle: ModelBundle, options: RunOptions | None = None) -> TokenPruner:
    """Keep the most of the passages that the question is about."""
    return TokenPruner(QuestionAwareScorer(PerplexityScorer(bundle, options=options)))
