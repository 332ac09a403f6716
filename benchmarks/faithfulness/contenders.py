"""What is compared: the default, the default without structure, and three that need no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from benchmarks.faithfulness.cases import Case
from benchmarks.faithfulness.outputs import Output
from benchmarks.quality.methods import Remembering

from edgelingua import Budget, Compressed, Prompt, load_compressor
from edgelingua.budget import Count
from edgelingua.compressors import Pruner, Rules, TokenPruner
from edgelingua.compressors.parts.lexical import bm25_scores
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import SEPARATOR
from edgelingua.scores import Progress, TokenScores
from edgelingua.text.boundaries import count_words


@dataclass(frozen=True)
class LineScorer:
    """BM25 (Okapi) of each line for the question: ``grep`` that knows how rare a word is."""

    @property
    def count(self) -> Count:
        """Words: there is no tokenizer here."""
        return count_words

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        """Score lines; each is one token."""
        spans, at = [], 0
        for line in text.splitlines(keepends=True):
            if line.strip():
                spans.append((at, at + len(line.rstrip())))
            at += len(line)
        scores = bm25_scores([text[a:b] for a, b in spans], question, "okapi")
        every = np.ones(len(spans), dtype=bool)
        places = np.asarray(spans, dtype=np.int64).reshape(-1, 2)
        return TokenScores(places, np.asarray(scores, dtype=np.float32), every, "rank")


@dataclass(frozen=True)
class Contender:
    """A line of the comparison.

    ``method`` is a name of the runtime's table; empty: BM25 of lines. ``asks``: it cannot do
    without a question; ``structure`` as in `Prompt.build`, its default if empty.
    """

    label: str
    method: str = "llmlingua2"
    asks: bool = False
    structure: str = ""

    def made(self, bundle: str) -> Pruner:
        """Make the compressor."""
        if not self.method:
            return TokenPruner(LineScorer(), rules=Rules(guard=False))
        model = bundle if self.method == "llmlingua2" else None
        return load_compressor(self.method, model, options=RunOptions(threads=1))


CONTENDERS: Mapping[str, Contender] = {
    "default": Contender("edgelingua-mini"),
    "off": Contender("edgelingua-mini, no structure", structure="off"),
    "truncate": Contender("truncation", "truncate"),
    "bm25": Contender("BM25 sentences", "bm25", asks=True),
    "bm25-lines": Contender("BM25 lines", "", asks=True),
}


class Runner:
    """Compresses with one contender; what was scored is remembered from rate to rate.

    Parameters
    ----------
    contender
        Which.
    bundle
        The folder or name of the bundle of `llmlingua2`.
    count
        Counts tokens as the reader does.
    """

    def __init__(self, contender: Contender, bundle: str, count: Count) -> None:
        self._contender, self._count = contender, count
        made = contender.made(bundle)
        self._memory = Remembering(made.scorer)
        # Some compressors name the kind of their scorer; this one answers as it does.
        self._compressor = replace(made, scorer=cast(Any, self._memory))

    def compress(self, prompt: Prompt, rate: float) -> Compressed:
        """Keep ``rate`` of the texts' tokens; the question comes on top of that.

        Raises
        ------
        BudgetError
            The contender cannot keep so little.
        """
        tail = SEPARATOR + prompt.question if prompt.question else ""
        tokens = max(1, Budget(rate=rate).limit(self._count(prompt.text.removesuffix(tail))))
        tokens += self._count(tail) if tail else 0
        return self._compressor.compress(prompt, Budget(tokens=tokens, count=self._count))

    def output(self, case: Case, question: str, rate: float) -> Output:
        """Compress a case.

        Raises
        ------
        BudgetError
            The contender cannot keep so little.
        """
        build: Callable[..., Prompt] = Prompt.build
        mode = {"structure": self._contender.structure} if self._contender.structure else {}
        prompt = build(case.text, question=question, **mode)
        compressed = self.compress(prompt, rate)
        spans = np.clip(compressed.spans, 0, len(case.text))
        kept = [(a, b) for a, b in spans.tolist() if a < b]
        return Output(case, kept, compressed.breaks.tolist())

    def forget(self) -> None:
        """Forget what was scored."""
        self._memory.forget()
