"""Compress, then answer under a cap: the main job in one object."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgelingua.alignment import cell_masks
from edgelingua.budget import Budget
from edgelingua.compressed import Compressed
from edgelingua.compressors import Compressor, default_method, load_compressor
from edgelingua.errors import CapError, EvictionWarning, InputError
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import Policy
from edgelingua.kv.statistics import CacheStatistics, Memory
from edgelingua.llama.model import ChatPart, LlamaModel, Sampling
from edgelingua.models import registry
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import Prompt, Segment
from edgelingua.scores import Progress
from edgelingua.system.measure import Stopwatch
from edgelingua.text.structure import Mode

SYSTEM = "You answer questions about the text you are given. Answer briefly, from the text only."


@dataclass(frozen=True, eq=False)
class Reply:
    """An answer and what it took.

    ``prompt_tokens`` counts the whole chat prompt; ``milliseconds`` the stages ``compress``,
    ``prefill`` and ``generate``; ``memory`` is as it was at the end.
    """

    text: str
    compressed: Compressed
    cache: CacheStatistics
    prompt_tokens: int
    answer_tokens: int
    milliseconds: dict[str, float]
    memory: Memory


class Assistant:
    """Answers questions about long texts in little memory.

    Parameters
    ----------
    compressor
        Compresses the text.
    reader
        The model that answers.
    cap
        Most tokens in the reader's KV cache, at every step.
    policy
        Decides which cached tokens go when the cap is reached; ``None``: the reader's
        `LlamaModel.default_policy`. It is told what the compressor scored.
    system
        System prompt. It is never evicted, and neither is the question. Empty: none is sent, for
        models whose chat template has no place for one.
    sampling
        How the answer's tokens are drawn.
    cache
        How the cache is kept.
    """

    def __init__(
        self,
        compressor: Compressor,
        reader: LlamaModel,
        *,
        cap: int = 1024,
        policy: Policy | None = None,
        system: str = SYSTEM,
        sampling: Sampling | None = None,
        cache: CacheOptions | None = None,
    ) -> None:
        if any("\ud800" <= character <= "\udfff" for character in system):
            raise InputError("the system prompt was not valid UTF-8")
        self.compressor = compressor
        self.reader = reader
        self.cap = cap
        self.policy = policy
        self.system = system
        self.sampling = sampling or Sampling()
        self.cache = cache

    @classmethod
    def load(
        cls,
        model: str | Path | None = None,
        reader: str | Path = registry.DEFAULT_READER,
        *,
        cap: int = 1024,
        threads: int = 0,
    ) -> Assistant:
        """Load a bundle (default: edgelingua-mini) and a reader (see `models.find_reader`)."""
        llama = LlamaModel(registry.find_reader(reader), threads=threads)
        method = default_method(model, question=True)
        compressor = load_compressor(
            method, model, count=llama.count, options=RunOptions(threads=threads)
        )
        return cls(compressor, llama, cap=cap)

    def ask(
        self,
        context: str | Segment | Sequence[str | Segment],
        question: str,
        budget: Budget | None = None,
        *,
        structure: Mode = "off",
        max_tokens: int = 128,
        on_text: Callable[[str], None] | None = None,
        progress: Progress | None = None,
    ) -> Reply:
        """Answer a question about a text.

        Parameters
        ----------
        context
            The text, or several. What a `Segment` pins is never evicted.
        question
            What is asked; it is never evicted either.
        budget
            Tokens of text and question together, counted by the reader. ``None``: what the cap
            leaves beside the chat template, the system prompt and the answer, so that nothing the
            compressor kept is evicted again.
        structure
            What becomes of code, JSON and tables, see `Prompt.build`.
        max_tokens
            Longest answer.
        on_text
            Called with each piece of the answer as it is written.
        progress
            Called while the text is scored.

        Raises
        ------
        InputError, BudgetError
            The text or the budget cannot be worked with.
        CapError
            The cap cannot hold what must stay in the cache.
        """
        if not question.strip():
            raise InputError("the question is empty")
        staying = self._chat_tokens() + self.reader.count(question)
        session = self.reader.session(self.cap, self.policy, cache=self.cache)
        session.check_room(np.ones(staying, dtype=bool))
        watch = Stopwatch()
        prompt = Prompt.build(context, question=question, structure=structure)
        if budget is None:
            budget = Budget(tokens=self._room(max_tokens))
        if budget.count is None:
            budget = Budget(budget.tokens, budget.rate, self.reader.count)
        with watch.stage("compress"):
            compressed = self.compressor.compress(prompt, budget, progress)
        parts = self._chat(compressed.text)
        sampler = self.reader.sampler(session, self.sampling)
        tokens = np.concatenate([part.tokens for part in parts])
        if len(tokens) > self.cap:
            warnings.warn(
                f"the compressed prompt has {len(tokens)} tokens, more than the cap of {self.cap}: "
                "what does not fit is evicted; lower the budget or raise the cap",
                EvictionWarning,
                stacklevel=2,
            )
        with watch.stage("prefill"):
            pinned, importance = cell_masks(self.reader, parts, question, compressed)
            session.feed(tokens, pinned, importance=importance)
        pieces: list[str] = []
        answer: list[int] = []

        def generate() -> Iterator[int]:
            for token in session.generate(sampler, max_tokens, self.reader.stop_tokens):
                answer.append(token)
                yield token

        with watch.stage("generate"):
            for piece in self.reader.stream_text(generate()):
                pieces.append(piece)
                if on_text:
                    on_text(piece)
        return Reply(
            text="".join(pieces).strip(),
            compressed=compressed,
            cache=session.statistics,
            prompt_tokens=len(tokens),
            answer_tokens=len(answer),
            milliseconds=watch.milliseconds,
            memory=session.memory,
        )

    def _chat(self, content: str) -> list[ChatPart]:
        system = [("system", self.system)] if self.system else []
        return self.reader.chat([*system, ("user", content)])

    def _chat_tokens(self) -> int:
        """Tokens of the chat template and the system prompt."""
        return sum(len(part.tokens) for part in self._chat(""))

    def _room(self, max_tokens: int) -> int:
        """Tokens that the cap leaves for text and question."""
        template = self._chat_tokens()
        room = self.cap - template - max_tokens
        if room < 1:
            raise CapError(
                f"a cap of {self.cap} cells is too small: the chat template and the system prompt "
                f"take {template}, the answer up to {max_tokens}; at least "
                f"{template + max_tokens + 1} are needed, or a shorter answer"
            )
        return room
