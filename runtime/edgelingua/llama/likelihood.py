"""How likely the tokens were that a sampler drew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelingua.kv.session import Session, TokenSampler


def log_probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the log-probability, in nats, of every token of logits ``(vocabulary,)``."""
    exact = logits.astype(np.float64)
    exact -= exact.max()
    exact -= np.log(np.exp(exact).sum())
    return exact


class Overlooked:
    """Draws as another sampler does, and notes how likely each token was before any sampling.

    ``log_probabilities``: of the tokens drawn, the one that ends an answer included.
    """

    def __init__(self, session: Session, sampler: TokenSampler) -> None:
        self.log_probabilities: list[float] = []
        self._session = session
        self._sampler = sampler

    def sample(self) -> int:
        """Draw the next token."""
        token = self._sampler.sample()
        self.log_probabilities.append(float(log_probabilities(self._session.logits())[token]))
        return token
