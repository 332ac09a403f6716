"""A model here, in a KV cache that never exceeds its cap."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence
from threading import Event

import numpy as np

from edgelingua.alignment import attach, cell_masks, cells_of
from edgelingua.compressed import Compressed
from edgelingua.errors import CapError, EvictionWarning
from edgelingua.kv.memory import Memory
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import Policy
from edgelingua.kv.session import Session
from edgelingua.llama.model import ChatPart, LlamaModel
from edgelingua.llama.template import last_message
from edgelingua.llama.writing import Writing
from edgelingua.readers.reader import Asked, Written
from edgelingua.stream import heeding
from edgelingua.system.measure import Stopwatch


class CappedReader:
    """Answers with a GGUF model, under a cap.

    Parameters
    ----------
    model
        The model.
    cap
        Most tokens in its KV cache, at every step.
    policy
        Decides which cached tokens go when the cap is reached; ``None``: the model's
        `LlamaModel.default_policy`. It is told what the compressor scored.
    cache
        How the cache is kept.
    memories
        Stand before the text of every question; their cells count against the cap.
    """

    def __init__(
        self,
        model: LlamaModel,
        *,
        cap: int,
        policy: Policy | None = None,
        cache: CacheOptions | None = None,
        memories: Sequence[Memory] = (),
    ) -> None:
        self.model = model
        self.cap = cap
        self.policy = policy or model.default_policy
        self.memories = tuple(memories)
        self._cache = cache

    @property
    def name(self) -> str:
        """The model's file."""
        return self.model.path.name

    def count(self, text: str) -> int:
        """Return the number of the model's tokens."""
        return self.model.count(text)

    def reading(self, asked: Asked) -> _Reading:
        """Open a session that has room for what must stay."""
        session = self.model.session(self.cap, self.policy, cache=self._cache)
        reading = _Reading(self.model, session, asked, self.memories)
        staying = reading.template + self.count(asked.question)
        session.check_room(np.ones(staying, dtype=bool))
        return reading


class _Reading:
    """An answer in a session of its own."""

    def __init__(
        self, model: LlamaModel, session: Session, asked: Asked, memories: Sequence[Memory]
    ) -> None:
        self._model = model
        self._session = session
        self._asked = asked
        self._memories = memories
        self._cap = session.statistics.cap
        self.template = sum(len(part.tokens) for part in self._chat(""))
        self.template += cells_of(model, memories)
        """Cells of the chat template, the system prompt and the memories."""

    def room(self) -> int:
        """Return the tokens that the cap leaves for text and question."""
        answer = self._asked.max_tokens
        room = self._cap - self.template - answer
        if room < 1:
            raise CapError(
                f"a cap of {self._cap} cells is too small: {self._beside()} take "
                f"{self.template}, the answer up to {answer}; at least "
                f"{self.template + answer + 1} are needed, or a shorter answer"
            )
        return room

    def write(
        self, compressed: Compressed, watch: Stopwatch, cancel: Event
    ) -> Generator[str, None, Written]:
        """Feed the text, then draw the answer."""
        with watch.stage("prefill"):
            read = self._read(compressed, cancel)
        sampler = self._model.sampler(self._session, self._asked.sampling)
        writing = Writing(
            self._model, self._session, sampler, limit=self._asked.max_tokens, cancel=cancel
        )
        with watch.stage("generate"):
            yield from writing.pieces()
        return Written(
            text=writing.text,
            read=read,
            written=len(writing.tokens),
            complete=writing.complete,
            cache=self._session.statistics,
            memory=self._session.memory,
        )

    def _read(self, compressed: Compressed, cancel: Event) -> int:
        """Feed the compressed prompt; return how many tokens that were."""
        parts = self._chat(compressed.text)
        tokens = np.concatenate([part.tokens for part in parts])
        room = self._cap - cells_of(self._model, self._memories)
        if len(tokens) > room:
            beside = " beside memories" if self._memories else ""
            warnings.warn(
                f"the compressed prompt has {len(tokens)} tokens, more than the cap of "
                f"{self._cap}{beside}: what does not fit is evicted; lower the budget or raise the "
                "cap",
                EvictionWarning,
                stacklevel=6,  # where `ask` was called
            )
        pinned, importance = cell_masks(self._model, parts, self._asked.question, compressed)
        before = sum(len(part.tokens) for part in parts[: last_message(parts)])
        for own in (slice(before), slice(before, None)):
            self._session.feed(
                tokens[own], pinned[own], importance=importance[own], progress=heeding(cancel)
            )
            if own.start is None:
                attach(self._session, self._model, self._memories)
        return len(tokens)

    def _beside(self) -> str:
        memories = " and the memories" if self._memories else ""
        return f"the chat template and the system prompt{memories}"

    def _chat(self, content: str) -> list[ChatPart]:
        system = [("system", self._asked.system)] if self._asked.system else []
        return self._model.chat([*system, ("user", content)])
