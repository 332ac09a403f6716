"""How likely the tokens of an answer were."""

from __future__ import annotations

from collections import deque

import numpy as np

from edgelingua.integrations.server.written import Token
from edgelingua.kv.session import Session, TokenSampler
from edgelingua.llama.likelihood import log_probabilities
from edgelingua.llama.model import LlamaModel


class Likelihoods:
    """A sampler that remembers how likely was what another one drew.

    Parameters
    ----------
    reader, session
        The logits are theirs.
    sampler
        Draws.
    likeliest
        How many of the likeliest tokens are remembered beside each.
    """

    def __init__(
        self, reader: LlamaModel, session: Session, sampler: TokenSampler, likeliest: int
    ) -> None:
        self._reader = reader
        self._session = session
        self._sampler = sampler
        self._likeliest = likeliest
        self._waiting: deque[tuple[int, Token]] = deque()  # and the byte at which each begins
        self._drawn = self._passed = 0

    def sample(self) -> int:
        """Draw the next token."""
        token = self._sampler.sample()
        logprobs = log_probabilities(self._session.logits())
        raw = self._reader.token_bytes(token)
        best = np.argsort(-logprobs, kind="stable")[: self._likeliest].tolist()
        likeliest = tuple((self._reader.token_bytes(one), float(logprobs[one])) for one in best)
        self._waiting.append((self._drawn, Token(raw, float(logprobs[token]), likeliest)))
        self._drawn += len(raw)
        return token

    def of(self, text: str) -> tuple[Token, ...]:
        """Return the tokens that begin in a text, which follows those asked for before."""
        self._passed += len(text.encode())
        found = []
        while self._waiting and self._waiting[0][0] < self._passed:
            found.append(self._waiting.popleft()[1])
        return tuple(found)
