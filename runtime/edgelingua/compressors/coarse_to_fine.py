"""Choose documents, then sentences, then tokens: what LLMLingua and LongLLMLingua share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Budget, Count
from edgelingua.compressed import Compressed
from edgelingua.compressors.documents import choose, relevance
from edgelingua.compressors.iterative import IterativePruner
from edgelingua.compressors.selection import fit, room_for, units_of
from edgelingua.errors import InputError
from edgelingua.prompt import Prompt
from edgelingua.scorers.perplexity import PerplexityScorer
from edgelingua.scores import Progress, TokenScores
from edgelingua.text import Encoding, sentences

_LEFT_OUT = -2.0
"""Below every score that iterative pruning gives: rate less quantile, within (-1, 1]."""


@dataclass(frozen=True)
class CoarseToFine:
    """Budget controller, document filter, sentence filter and iterative token pruning.

    Parameters
    ----------
    scorer
        The causal LM.
    by_question
        Rank documents and sentences by how well they predict the question, and tokens by
        contrastive perplexity (LongLLMLingua); else all by their own perplexity (LLMLingua).
    dynamic_rate
        The best document keeps this much more of its tokens than the budget's share, the worst
        this much less, in even steps (LongLLMLingua, section 4.3).
    sentence_filter
        Drop whole sentences first.
    extra_documents
        Tokens of documents chosen beyond the budget (``context_budget`` of the papers' code).
    sentence_room
        Tokens of sentences chosen, as a multiple of the budget (``token_budget_ratio``).
    whole_words, count
        See `TokenPruner`.
    """

    scorer: PerplexityScorer
    by_question: bool = False
    dynamic_rate: float = 0.0
    sentence_filter: bool = False
    extra_documents: int = 100
    sentence_room: float = 1.4
    whole_words: bool = True
    count: Count | None = None

    def compress(
        self, prompt: Prompt, budget: Budget, progress: Progress | None = None
    ) -> Compressed:
        """Compress ``prompt`` to at most ``budget``.

        Raises
        ------
        InputError
            The method needs a question and there is none.
        BudgetError
            The protected text alone exceeds the budget.
        """
        if self.by_question and not prompt.question:
            raise InputError("this method ranks documents by the question: the prompt needs one")
        question = prompt.question if self.by_question else ""
        room = room_for(prompt, budget, self.count or self.scorer.count)
        everything = self._documents(prompt)
        allowed = self._allowed(prompt, room.limit / room.tokens_in, everything)
        documents = self._choose_documents(everything, allowed, question)
        if self.sentence_filter:
            documents = self._choose_sentences(documents, allowed, question)
        wanted_in_all = max(1, sum(int(document.wanted.sum()) for document in documents))
        rate = allowed / wanted_in_all
        steepness = self.dynamic_rate if len(documents) > 1 else 0.0
        deltas = np.linspace(steepness, -steepness, len(documents))
        rates = {d.offset: rate + delta for d, delta in zip(documents, deltas, strict=True)}
        chosen = {document.offset: document for document in documents}

        pruner = IterativePruner(self.scorer, question)
        scored = {}
        done = 0
        for whole in everything:
            document = chosen.get(whole.offset, whole.without_everything())
            scores = np.full(len(document.ids), _LEFT_OUT, dtype=np.float32)
            if document.wanted.any():
                wanted = document.wanted
                rate = float(np.clip(rates[document.offset], 0, 1))
                ids, forced = document.ids[wanted], document.forced[wanted]
                scores[wanted] = pruner.score(ids, rate, forced)
                done += len(ids)
                if progress:
                    progress(done, wanted_in_all)
            encoding = document.encoding
            scored[document.offset] = TokenScores.from_pieces(
                encoding.spans, scores, encoding.starts, "rank"
            )
        units = units_of(prompt, scored, self.whole_words)
        return fit(prompt, units, room, "rank")

    def _documents(self, prompt: Prompt) -> list[_Document]:
        protected = prompt.protected()
        documents = []
        for offset, segment in zip(prompt.offsets(), prompt.segments, strict=True):
            if segment.compressible and segment.text.strip():
                encoding = self.scorer.tokenizer.encode(segment.text)
                forced = protected[np.minimum(encoding.spans[:, 0] + offset, len(protected) - 1)]
                wanted = np.ones(len(encoding.ids), dtype=bool)
                documents.append(_Document(offset, segment.text, encoding, forced, wanted))
        return documents

    def _allowed(self, prompt: Prompt, rate: float, documents: list[_Document]) -> float:
        """Estimate what the documents may keep, in the scorer's own tokens; `fit` is exact."""
        mine = self.scorer.count(prompt.text)
        in_documents = sum(len(document.ids) for document in documents)
        return max(1.0, rate * mine - (mine - in_documents))

    def _choose_documents(
        self, documents: list[_Document], allowed: float, question: str
    ) -> list[_Document]:
        """Documents in rank order."""
        if len(documents) == 1:
            return documents
        worth = relevance(self.scorer, [document.ids for document in documents], question)
        sizes = [len(document.ids) for document in documents]
        return [documents[i] for i in choose(worth, sizes, allowed + self.extra_documents)]

    def _choose_sentences(
        self, documents: list[_Document], allowed: float, question: str
    ) -> list[_Document]:
        ranges = [
            (at, start, end)
            for at, document in enumerate(documents)
            for start, end in document.sentences()
        ]
        ids = [documents[at].ids[start:end] for at, start, end in ranges]
        worth = relevance(self.scorer, ids, question)
        chosen = choose(worth, [len(i) for i in ids], allowed * self.sentence_room)
        wanted = [np.zeros(len(document.ids), dtype=bool) for document in documents]
        for index in chosen:
            at, start, end = ranges[index]
            wanted[at][start:end] = True
        return [replace(d, wanted=w) for d, w in zip(documents, wanted, strict=True)]


@dataclass(frozen=True, eq=False)
class _Document:
    """A compressible segment: its place in the prompt, and which of its tokens are still in."""

    offset: int
    text: str
    encoding: Encoding
    forced: NDArray[np.bool_]
    wanted: NDArray[np.bool_]

    @property
    def ids(self) -> NDArray[np.int64]:
        return self.encoding.ids

    def without_everything(self) -> _Document:
        return replace(self, wanted=np.zeros_like(self.wanted))

    def sentences(self) -> list[tuple[int, int]]:
        """Half-open ranges of token indices."""
        ends = np.searchsorted(self.encoding.spans[:, 0], sentences(self.text)[:, 1])
        return [(a, b) for a, b in pairwise([0, *ends.tolist()]) if b > a]
