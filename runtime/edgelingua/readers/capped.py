"""A model here, in a KV cache that never exceeds its cap."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence
from threading import Event

import numpy as np
from numpy.typing import NDArray

from edgelingua.alignment import attach, cell_masks, cells_of, further_masks
from edgelingua.compressed import Compressed
from edgelingua.errors import CapError, EvictionWarning
from edgelingua.kv.memory import Memory
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import Policy
from edgelingua.kv.session import Session
from edgelingua.llama.likelihood import Overlooked
from edgelingua.llama.model import ChatPart, LlamaModel
from edgelingua.llama.template import last_message
from edgelingua.llama.writing import Writing
from edgelingua.prompt import SEPARATOR
from edgelingua.readers.doubt import doubt_of
from edgelingua.readers.reader import Asked, Written
from edgelingua.selection.rest import Further
from edgelingua.stream import heeding
from edgelingua.system.measure import Stopwatch

_READ, _ASKED = 0, 1
"""Groups of cells: what is read stays; the question, and what follows it, is asked again."""


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
        return (yield from self._answer(read, watch, cancel))

    def left(self) -> int:
        """Return the cells that are free for more text and the question."""
        held = int((self._session.groups == _READ).sum())
        return self._cap - held - len(self._chat("")[-1].tokens) - self._asked.max_tokens

    def write_on(
        self, further: Further, watch: Stopwatch, cancel: Event
    ) -> Generator[str, None, Written]:
        """Take question and answer back, feed more of the text and the question again."""
        with watch.stage("prefill"):
            self._session.take_back(self._session.groups == _ASKED)
            tokens = self._model.tokenize_part(further.text + SEPARATOR + self._asked.question)
            behind = self._chat("")[-1].tokens
            pinned, importance = further_masks(
                self._model, tokens, self._asked.question, self._scored, further
            )
            self._feed(
                np.concatenate([tokens, behind]),
                np.append(pinned, np.ones(len(behind), dtype=bool)),
                np.append(importance, np.full(len(behind), np.nan, np.float32)),
                self._model.tail(tokens, self._asked.question) + len(behind),
                cancel,
            )
        return (yield from self._answer(len(tokens) + len(behind), watch, cancel))

    def _answer(self, read: int, watch: Stopwatch, cancel: Event) -> Generator[str, None, Written]:
        """Draw the answer to what was read, so many tokens."""
        sampler = self._model.sampler(self._session, self._asked.sampling)
        noting = Overlooked(self._session, sampler)
        writing = Writing(
            self._model,
            self._session,
            noting if self._asked.doubting else sampler,
            limit=self._asked.max_tokens,
            cancel=cancel,
            group=_ASKED,
        )
        with watch.stage("generate"):
            yield from writing.pieces()
        count = len(writing.tokens)
        likely = noting.log_probabilities[:count]
        return Written(
            text=writing.text,
            read=read,
            written=count,
            complete=writing.complete,
            cache=self._session.statistics,
            memory=self._session.memory,
            doubt=doubt_of(writing.text, likely) if self._asked.doubting else None,
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
        at = last_message(parts)
        before = sum(len(part.tokens) for part in parts[:at])
        asked = self._model.tail(parts[at].tokens, self._asked.question)
        asked += sum(len(part.tokens) for part in parts[at + 1 :])
        for own in (slice(before), slice(before, None)):
            if own.start is None:
                self._feed(tokens[own], pinned[own], importance[own], 0, cancel)
                attach(self._session, self._model, self._memories)
            else:
                self._feed(tokens[own], pinned[own], importance[own], asked, cancel)
        self._scored = compressed
        return len(tokens)

    def _feed(
        self,
        tokens: NDArray[np.int32],
        pinned: NDArray[np.bool_],
        importance: NDArray[np.float32],
        asked: int,
        cancel: Event,
    ) -> None:
        """Feed tokens, the last ``asked`` of which are question and template."""
        group = np.where(np.arange(len(tokens)) < len(tokens) - asked, _READ, _ASKED)
        self._session.feed(
            tokens, pinned, importance=importance, group=group, progress=heeding(cancel)
        )

    def _beside(self) -> str:
        memories = " and the memories" if self._memories else ""
        return f"the chat template and the system prompt{memories}"

    def _chat(self, content: str) -> list[ChatPart]:
        system = [("system", self._asked.system)] if self._asked.system else []
        return self._model.chat([*system, ("user", content)])
