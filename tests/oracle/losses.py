"""Mean losses of texts, as llmlingua 0.2.2 ranks documents and sentences by them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import InputError
from edgelingua.scorers import PerplexityScorer
from tests.oracle.cache import TokenCache
from tests.oracle.engine import Engine

Ids = NDArray[np.int64]
Losses = NDArray[np.float32]


class TextLosses:
    """Losses in nats: NLL of each token but the first, given those before it.

    Parameters
    ----------
    engine
        A ``scorer`` bundle. Texts longer than its model takes are judged by their beginning.
    """

    def __init__(self, engine: Engine) -> None:
        if not isinstance(engine.scorer, PerplexityScorer):
            raise InputError("LLMLingua needs a scorer bundle; for a classifier: use_llmlingua2")
        self._scorer = engine.scorer
        self.tokenizer = engine.tokenizer
        self.longest = engine.bundle.manifest.tokens.max_length
        self._cache = self.new_cache()
        self._cached = np.zeros(0, dtype=np.int64)

    def size(self, text: str) -> int:
        """Tokens of a text, those that start a text included."""
        return len(self.tokenizer.ids(text, special=True))

    def new_cache(self) -> TokenCache:
        """Return an empty cache."""
        return TokenCache(self._scorer)

    def mean(self, text: str, question: str = "", condition: str = "none") -> float:
        """Return the mean loss of a text; NaN where there is no token to judge.

        ``before``: of the text behind the question; ``after``: of the question behind the text.
        """
        if condition == "before":
            return self._mean(question + text, self.size(question) - 1)
        if condition == "after":
            return self._mean(text + question, self.size(text) - 1)
        return self._mean(text, 0)

    def _mean(self, text: str, since: int) -> float:
        ids = np.asarray(self.tokenizer.ids(text, special=True), dtype=np.int64)[: self.longest]
        # An empty text in front counts -1 tokens, and is cut off from the other end.
        losses = self._losses(ids, 0)[since:] if since < 0 else self._losses(ids, since)
        return float(losses.mean()) if len(losses) else float("nan")

    def _losses(self, ids: Ids, since: int) -> Losses:
        """Losses from the one with index ``since`` on; what texts begin with alike runs once."""
        alike = self._cached[: len(ids)] == ids[: len(self._cached)]
        common = len(alike) if alike.all() else int(np.argmin(alike))
        reused = min(common, since, max(0, len(ids) - 1))
        if reused < len(self._cache):
            self._cache.truncate(reused)
        losses = self._cache.extend(ids[reused:], since - reused)
        self._cached = ids
        return losses
