"""A reply while a model writes it."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

from edgelingua.kv.session import Session, TokenSampler
from edgelingua.llama.vocabulary import Vocabulary


class Writing:
    """What a model has written so far, up to a limit, or until it is told to stop.

    Parameters
    ----------
    reader
        The model.
    session
        A session of it that has read what the reply is to.
    sampler
        Draws the tokens.
    limit
        Most tokens to write.
    cancel
        Ends the reply when set.
    group
        As in `Session.feed`.
    """

    def __init__(
        self,
        reader: Vocabulary,
        session: Session,
        sampler: TokenSampler,
        *,
        limit: int,
        cancel: Event,
        group: int = 0,
    ) -> None:
        self.tokens: list[int] = []
        self.text = ""
        self._reader = reader
        self._limit = limit
        self._cancel = cancel
        self._drawn = session.generate(sampler, limit, reader.stop_tokens, group=group)

    @property
    def complete(self) -> bool:
        """Whether the model ended the reply, not the limit or somebody else."""
        return len(self.tokens) < self._limit and not self._cancel.is_set()

    def pieces(self) -> Iterator[str]:
        """Write, piece by piece."""
        for piece in self._reader.stream_text(self._written()):
            self.text += piece
            yield piece

    def _written(self) -> Iterator[int]:
        for token in self._drawn:
            # By now, all that were written have been fed.
            if self._cancel.is_set():
                return
            self.tokens.append(token)
            yield token
