"""A sequence being read and written under a cap: the sole owner of mutable state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import CapError
from edgelingua.kv.policies import Policy, Streaming
from edgelingua.kv.state import Cells, CellView


class Engine(Protocol):
    """What a session needs of an inference engine with one sequence in its cache."""

    @property
    def trained_length(self) -> int:
        """Positions the model was trained for."""
        ...

    @property
    def chunk(self) -> int:
        """Most tokens that one `decode` takes."""
        ...

    @property
    def can_shift(self) -> bool:
        """Whether cached tokens can be moved to other positions."""
        ...

    def decode(self, tokens: NDArray[np.int32], first_position: int) -> None:
        """Append tokens at consecutive positions; logits of the last one become available."""
        ...

    def remove(self, start: int, end: int) -> None:
        """Drop the cells at positions ``start <= p < end``."""
        ...

    def shift(self, start: int, end: int, delta: int) -> None:
        """Add ``delta`` to the positions ``start <= p < end``."""
        ...

    def logits(self) -> NDArray[np.float32]:
        """Logits ``(vocabulary,)`` after the last token decoded."""
        ...


class TokenSampler(Protocol):
    """Draws tokens from the engine's current logits."""

    def sample(self) -> int:
        """Draw the next token."""
        ...


@dataclass(frozen=True)
class CacheStatistics:
    """``used`` cells now, ``peak`` at most so far, of ``cap``; tokens ``evicted`` so far."""

    used: int
    peak: int
    cap: int
    evicted: int


def check_cap(cap: int, trained_length: int) -> None:
    """Raise `CapError` unless ``cap`` is 2 to ``trained_length``."""
    if not 2 <= cap <= trained_length:
        raise CapError(
            f"a cap of {cap} cells: expected 2 to {trained_length}, "
            "the length this model was trained for"
        )


class Session:
    """One sequence whose cached tokens never exceed ``cap``, whatever is fed or generated.

    Parameters
    ----------
    engine
        Runs the model; its cache is empty and belongs to this session.
    cap
        Most cells in use, at every step.
    policy
        Decides which tokens go.
    block
        Tokens evicted at a time once the cache is full. 1 keeps the most.

    Raises
    ------
    CapError
        The cap is below 2 or above the length the model was trained for.
    """

    def __init__(
        self,
        engine: Engine,
        cap: int,
        policy: Policy | None = None,
        *,
        block: int = 1,
    ) -> None:
        check_cap(cap, engine.trained_length)
        self.engine = engine
        self._cap = cap
        self._policy: Policy = policy or Streaming()
        self._chunk = engine.chunk
        self._block = max(1, block)
        self._cells = Cells()
        self._peak = 0
        self._evicted = 0

    @property
    def cells(self) -> CellView:
        """The cached tokens."""
        return self._cells.view()

    @property
    def statistics(self) -> CacheStatistics:
        """How full the cache is and was."""
        return CacheStatistics(len(self._cells), self._peak, self._cap, self._evicted)

    def logits(self) -> NDArray[np.float32]:
        """Logits ``(vocabulary,)`` of the token that follows what was fed."""
        return self.engine.logits()

    def feed(self, tokens: NDArray[np.int32], pinned: NDArray[np.bool_] | bool = False) -> None:
        """Read tokens, of any number.

        Parameters
        ----------
        tokens
            Shape ``(n,)``.
        pinned
            Which of them must never be evicted: a mask ``(n,)``, or one value for all.

        Raises
        ------
        CapError
            What is pinned leaves no cell for anything else; nothing has been read then.
        """
        tokens = np.asarray(tokens, dtype=np.int32)
        pinned = np.broadcast_to(np.asarray(pinned, dtype=bool), tokens.shape)
        self._refuse_if_hopeless(tokens, pinned)
        at = 0
        while at < len(tokens):
            room = self._make_room(min(self._step(len(tokens) - at), len(tokens) - at))
            step, step_pinned = tokens[at : at + room], pinned[at : at + room]
            self.engine.decode(step, self._cells.next_position)
            self._cells.append(step, step_pinned)
            self._peak = max(self._peak, len(self._cells))
            at += len(step)

    def generate(self, sampler: TokenSampler, limit: int, stop: frozenset[int]) -> Iterator[int]:
        """Generate tokens until one of ``stop`` is drawn, at most ``limit``.

        Once the iterator has ended, every token it yielded has been fed; the stop token has not.
        """
        for _ in range(limit):
            token = sampler.sample()
            if token in stop:
                return
            yield token
            self.feed(np.asarray([token], dtype=np.int32))

    def _refuse_if_hopeless(self, tokens: NDArray[np.int32], pinned: NDArray[np.bool_]) -> None:
        whole = replace(self._cells)
        whole.append(tokens, pinned)
        locked = int((whole.pinned | self._policy.protected(whole.view())).sum())
        # Beside them there must be room for the last token and for the one to come.
        if len(whole) > self._cap and locked + 2 > self._cap:
            raise CapError(
                f"a cap of {self._cap} cells is too small: {locked} tokens are pinned or protected "
                f"by the policy, so at least {locked + 2} cells are needed"
            )

    def _step(self, missing: int) -> int:
        """Tokens to read at once, when ``missing`` are still to be read.

        A step evicts as much as it reads, before it reads. A quarter of what can be evicted at a
        time leaves every token three quarters of that to look at.
        """
        if len(self._cells) + missing <= self._cap:
            return self._chunk
        free = self._cap - int(self._locked().sum())
        return min(self._chunk, max(1, free // 4))

    def _locked(self) -> NDArray[np.bool_]:
        """Cells that cannot go: pinned, protected by the policy, and the last one.

        The engine wants the next token right behind the last position, so that one stays.
        """
        view = self._cells.view()
        locked = view.pinned | self._policy.protected(view)
        if len(locked):
            locked[-1] = True
        return locked

    def _make_room(self, wanted: int) -> int:
        """Evict until up to ``wanted`` tokens fit; return how many do, at least one."""
        missing = len(self._cells) + wanted - self._cap
        if missing > 0:
            locked = self._locked()
            free = np.flatnonzero(~locked)
            order = np.argsort(self._policy.scores(self._cells.view())[free], kind="stable")
            evicted = np.zeros(len(locked), dtype=bool)
            evicted[free[order[: max(missing, self._block)]]] = True
            for start, end in self._cells.remove(evicted):
                self.engine.remove(start, end)
            self._evicted += int(evicted.sum())
        room = min(wanted, self._cap - len(self._cells))
        if room < 1:
            raise CapError(
                f"a cap of {self._cap} cells is full of tokens that are pinned or protected"
            )
        if self._cells.next_position + room > self.engine.trained_length:
            self._compact()
        return room

    def _compact(self) -> None:
        """Close the gaps between positions: the model knows no positions past its length."""
        if not self.engine.can_shift:
            raise CapError(
                f"the text has reached position {self._cells.next_position}, the end of what this "
                "model was trained for, and its cached tokens cannot be moved"
            )
        for start, end, delta in self._cells.compact():
            self.engine.shift(start, end, delta)
