"""Iterative token pruning: each window is judged behind what was kept of the windows before it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelingua.scorers.perplexity import PerplexityScorer, Reading

WINDOW = 200
"""Tokens judged at a time (``iterative_size`` of the papers' code)."""


class IterativePruner:
    """Scores tokens window by window (LLMLingua, Jiang et al. 2023, arXiv:2310.05736, section 3.3).

    A window is scored behind the compressed text so far; its survivors are then read, so that the
    cache holds the compressed text and nothing else.

    Parameters
    ----------
    scorer
        The causal LM.
    question
        Judge a token by how much the question lowers its surprise: contrastive perplexity
        (LongLLMLingua, arXiv:2310.06839, section 4.2). Needs twice the time.
    window
        Tokens judged at a time, at most half of what the model can look at.
    """

    def __init__(self, scorer: PerplexityScorer, question: str = "", window: int = WINDOW) -> None:
        self._scorer = scorer
        self._window = max(1, min(window, scorer.room // 2))
        self._asked = scorer.tokenizer.encode(question + "\n\n").ids if question else None
        self._kept = np.zeros(0, dtype=np.int64)
        self._plain = self._restart(None)
        self._conditioned = None if self._asked is None else self._restart(self._asked)

    def score(
        self,
        ids: NDArray[np.int64],
        rate: float,
        forced: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """Score a text that follows those scored before.

        Parameters
        ----------
        ids
            Token ids ``(T,)``.
        rate
            The fraction of each window to keep.
        forced
            ``(T,)``: tokens that stay whatever their score.

        Returns
        -------
        ndarray
            ``(T,)``: ``rate`` less the token's quantile in its window (0: best), so that over all
            windows, whatever their rates, those above 0 are the ones to keep.
        """
        scores = np.zeros(len(ids), dtype=np.float32)
        for start in range(0, len(ids), self._window):
            window = ids[start : start + self._window]
            information = self._plain.peek(window)
            if self._conditioned is not None:
                information = information - self._conditioned.peek(window)
            quantile = np.argsort(np.argsort(-information, kind="stable")) / len(window)
            scores[start : start + len(window)] = rate - quantile
            keep = (quantile < rate) | forced[start : start + len(window)]
            self._read(window[keep])
        return scores

    def _read(self, survivors: NDArray[np.int64]) -> None:
        self._kept = np.concatenate([self._kept, survivors])
        longest = max(len(self._plain), len(self._conditioned or ()))
        if longest + len(survivors) + self._window > self._scorer.room:
            # The model is full: go on behind the second half of what was kept.
            self._kept = self._kept[-self._scorer.room // 4 :]
            self._plain = self._restart(None)
            self._plain.append(self._kept)
            if self._asked is not None:
                self._conditioned = self._restart(self._asked)
                self._conditioned.append(self._kept)
            return
        self._plain.append(survivors)
        if self._conditioned is not None:
            self._conditioned.append(survivors)

    def _restart(self, first: NDArray[np.int64] | None) -> Reading:
        reading = self._scorer.reading()
        if first is not None:
            reading.append(first[-self._scorer.room // 4 :])
        return reading
