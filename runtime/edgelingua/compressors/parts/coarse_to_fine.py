"""Choose documents, then sentences, then tokens: what LLMLingua and LongLLMLingua share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Budget
from edgelingua.compressed import Compressed
from edgelingua.compressors.parts.document_filter import DocumentFilter
from edgelingua.compressors.parts.documents import arranged, choose, relevance
from edgelingua.compressors.parts.iterative import WINDOW, IterativePruner
from edgelingua.compressors.parts.pruner import Pruner
from edgelingua.errors import InputError
from edgelingua.prompt import Prompt
from edgelingua.scorers.perplexity import PerplexityScorer
from edgelingua.scores import Progress, TokenScores
from edgelingua.selection.fit import fit, room_for
from edgelingua.selection.units import Units, units_of
from edgelingua.text.boundaries import sentences
from edgelingua.text.tokenizer import Encoding

_LEFT_OUT = -2.0
"""Below every score that iterative pruning gives: rate less quantile, within (-1, 1]."""


@dataclass(frozen=True)
class CoarseToFine(Pruner):
    """Budget controller, document filter, sentence filter and iterative token pruning.

    Parameters
    ----------
    scorer
        The causal LM.
    by_question
        Rank documents and sentences by how well they predict the question (LongLLMLingua); else
        by their own perplexity (LLMLingua).
    contrastive
        Judge a token by how much the question lowers its surprise (LongLLMLingua); else by its own
        surprise (LLMLingua).
    dynamic_rate
        The best document keeps this much more of its tokens than the budget's share, the worst
        this much less, in even steps (LongLLMLingua, section 4.3).
    documents
        Which documents stay.
    sentence_room
        Drop whole sentences first; tokens of those that stay, as a multiple of the budget
        (``token_budget_ratio`` of the papers' code, there 1.4). ``None``: all stay.
    window
        Tokens judged at a time (``iterative_size``).
    rules, count_with, model
        See `Pruner`.
    """

    scorer: PerplexityScorer
    by_question: bool = False
    contrastive: bool = False
    dynamic_rate: float = 0.0
    documents: DocumentFilter = field(default_factory=DocumentFilter)
    sentence_room: float | None = None
    window: int = WINDOW

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
        if (self.by_question or self.contrastive) and not prompt.question:
            raise InputError("this method judges by the question: the prompt needs one")
        room = room_for(prompt, budget, self.count)
        prompt = room.prompt
        documents = self._documents(prompt)
        allowed = self._allowed(prompt, room.limit / room.tokens_in, documents)
        chosen = self._choose_documents(documents, allowed, prompt.question)
        if self.documents.order != "original":
            order = arranged(chosen, self.documents.order)
            order += [index for index in range(len(documents)) if index not in order]
            prompt = prompt.reordered(order)
            room = replace(room, tokens_in=room.count(prompt.text))
            documents = self._documents(prompt)
            chosen = [order.index(index) for index in chosen]
        if self.sentence_room is not None:
            room_left = allowed * self.sentence_room
            documents = self._choose_sentences(documents, chosen, room_left, prompt.question)
        rates = self._rates(documents, chosen, allowed)
        question = prompt.question if self.contrastive else ""
        pruner = IterativePruner(self.scorer, question, self.window)
        scored = self._prune(documents, rates, pruner, progress)
        units = units_of(prompt, scored, self.rules)
        if self.documents.most is not None:
            units = _without(units, [d for i, d in enumerate(documents) if i not in chosen])
        return replace(fit(prompt, units, room, "rank"), model=self.model)

    def _rates(
        self, documents: list[_Document], chosen: list[int], allowed: float
    ) -> dict[int, float]:
        """Return the fraction that each chosen document keeps of its tokens, by its number."""
        shared = [index for index in chosen if documents[index].rate is None]
        tokens = sum(int(documents[index].wanted.sum()) for index in shared)
        steepness = self.dynamic_rate if len(shared) > 1 else 0.0
        deltas = np.linspace(steepness, -steepness, len(shared)).tolist()
        rates = {
            i: allowed / max(1, tokens) + delta for i, delta in zip(shared, deltas, strict=True)
        }
        own = {index: documents[index].rate for index in chosen}
        return rates | {index: rate for index, rate in own.items() if rate is not None}

    def _prune(
        self,
        documents: list[_Document],
        rates: dict[int, float],
        pruner: IterativePruner,
        progress: Progress | None,
    ) -> dict[int, TokenScores]:
        """Scores of each document by its offset; of those left out, all the lowest."""
        wanted_in_all = sum(int(documents[index].wanted.sum()) for index in rates)
        scored = {}
        done = 0
        for index, document in enumerate(documents):
            scores = np.full(len(document.ids), _LEFT_OUT, dtype=np.float32)
            wanted = document.wanted
            if index in rates and wanted.any():
                rate = float(np.clip(rates[index], 0, 1))
                scores[wanted] = pruner.score(document.ids[wanted], rate, document.forced[wanted])
                done += int(wanted.sum())
                if progress:
                    progress(done, wanted_in_all)
            encoding = document.encoding
            scored[document.offset] = TokenScores.from_pieces(
                encoding.spans, scores, encoding.starts, "rank"
            )
        return scored

    def _documents(self, prompt: Prompt) -> list[_Document]:
        protected = prompt.layout.protected
        documents = []
        for offset, segment in prompt.layout.documents:
            encoding = self.scorer.tokenizer.encode(segment.text)
            forced = protected[np.minimum(encoding.spans[:, 0] + offset, len(protected) - 1)]
            wanted = np.ones(len(encoding.ids), dtype=bool)
            rules = segment.role == "instruction"
            documents.append(
                _Document(offset, segment.text, segment.rate, rules, encoding, forced, wanted)
            )
        return documents

    def _allowed(self, prompt: Prompt, rate: float, documents: list[_Document]) -> float:
        """Estimate what documents without a rate may keep; `fit` is exact. Scorer's tokens."""
        mine = self.scorer.count(prompt.text)
        in_documents = sum(len(document.ids) for document in documents)
        own = sum(len(document.ids) * (document.rate or 0) for document in documents)
        return max(1.0, rate * mine - (mine - in_documents) - own)

    def _choose_documents(
        self, documents: list[_Document], allowed: float, question: str
    ) -> list[int]:
        """Numbers of the documents that stay, in rank order; those with a rate, and rules, do."""
        if len(documents) == 1:
            return [0]
        forced = {i for i, d in enumerate(documents) if d.apart or i in self.documents.forced}
        worth = self._worth([(d.text, d.ids) for d in documents], question)
        sizes = [0 if document.rate else len(document.ids) for document in documents]
        best = choose(worth, sizes, allowed + self.documents.extra)[: self.documents.most]
        ranking = np.argsort(-worth, kind="stable").tolist()
        return [index for index in ranking if index in forced or index in best]

    def _worth(
        self, texts: list[tuple[str, NDArray[np.int64]]], question: str
    ) -> NDArray[np.float64]:
        """What each text, given with its tokens, is worth."""
        if self.documents.ranker:
            return self.documents.ranker.rank([text for text, _ in texts], question)
        return relevance(self.scorer, [i for _, i in texts], question if self.by_question else "")

    def _choose_sentences(
        self, documents: list[_Document], chosen: list[int], room: float, question: str
    ) -> list[_Document]:
        found = [
            (at, start, end)
            for at in chosen
            if not documents[at].apart
            for start, end in documents[at].sentences()
        ]
        texts = [(documents[at].passage(start, end), documents[at].ids[start:end])
                 for at, start, end in found]  # fmt: skip
        best = choose(self._worth(texts, question), [len(ids) for _, ids in texts], room)
        wanted = [np.full(len(d.ids), d.apart) | d.forced for d in documents]
        for index in best:
            at, start, end = found[index]
            wanted[at][start:end] = True
        return [replace(d, wanted=w) for d, w in zip(documents, wanted, strict=True)]


def _without(units: Units, documents: list[_Document]) -> Units:
    """Refuse the units of some documents."""
    refused = units.refused.copy()
    for document in documents:
        refused[units.part(document.offset, document.text)] = True
    return replace(units, refused=refused)


@dataclass(frozen=True, eq=False)
class _Document:
    """A compressible segment: its place in the prompt, and which of its tokens are still in."""

    offset: int
    text: str
    rate: float | None
    rules: bool
    encoding: Encoding
    forced: NDArray[np.bool_]
    wanted: NDArray[np.bool_]

    @property
    def ids(self) -> NDArray[np.int64]:
        return self.encoding.ids

    @property
    def apart(self) -> bool:
        """Whether it does not compete with the others: it has a rate, or is an instruction."""
        return self.rate is not None or self.rules

    def passage(self, start: int, end: int) -> str:
        """The text of some tokens."""
        spans = self.encoding.spans
        return self.text[spans[start, 0] : spans[end - 1, 1]]

    def sentences(self) -> list[tuple[int, int]]:
        """Half-open ranges of token indices."""
        ends = np.searchsorted(self.encoding.spans[:, 0], sentences(self.text)[:, 1])
        return [(a, b) for a, b in pairwise([0, *ends.tolist()]) if b > a]
