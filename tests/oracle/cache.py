"""A causal LM's cache out of which tokens can be cut, as the reference's token loop does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.scorers import PerplexityScorer


class TokenCache:
    """Tokens run one behind the other, with nothing before the first.

    What stays keeps the keys and values that it had: a token does not notice that another before it
    is gone. No compressor of ours does that to a model, so it is the scorer's graph that is used
    here, not its interface.
    """

    def __init__(self, scorer: PerplexityScorer) -> None:
        self._model = scorer._model
        self._past = self._model.nothing()
        self._length = 0

    def __len__(self) -> int:
        """Tokens in the cache."""
        return self._length

    def extend(self, ids: NDArray[np.int64], since: int = 0) -> NDArray[np.float32]:
        """Run ``ids`` ``(n,)``; return the NLL in nats of each but the first, ``(n - 1,)``.

        ``since``: leave out so many of them, which saves some of the work.
        """
        if not len(ids):
            return np.zeros(0, dtype=np.float32)
        unscored, scored = ids[:since], ids[since:]
        _, past, length = self._model.run_all(unscored, ids[:0], self._past, self._length)
        nll, past, length = self._model.run_all(scored[:-1], scored[1:], past, length)
        _, self._past, self._length = self._model.run_all(scored[-1:], ids[:0], past, length)
        return nll

    def truncate(self, length: int) -> None:
        """Cut off what stands behind the first ``length`` tokens."""
        if length == 0:
            self._past, self._length = self._model.nothing(), 0
            return
        self._edit(lambda values: values[:, :, :length])

    def cut(self, start: int, end: int) -> None:
        """Cut out tokens ``start`` to ``end``."""
        self._edit(
            lambda values: np.concatenate([values[:, :, :start], values[:, :, end:]], axis=2)
        )

    def _edit(self, edit: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
        arrays = {
            name: edit(value if isinstance(value, np.ndarray) else value.numpy())
            for name, value in self._past.items()
        }
        self._past = {**arrays}
        self._length = next(iter(arrays.values())).shape[2]
