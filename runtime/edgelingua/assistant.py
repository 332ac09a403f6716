"""Compress, then answer under a cap: the main job in one object."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import numpy as np

from edgelingua.alignment import cell_masks
from edgelingua.budget import Budget
from edgelingua.compressed import Compressed
from edgelingua.compressors import Compressor, default_method, load_compressor
from edgelingua.errors import CapError, EvictionWarning, InputError, described
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import Policy
from edgelingua.kv.session import Session
from edgelingua.kv.statistics import CacheStatistics, Memory
from edgelingua.llama.model import ChatPart, LlamaModel, Sampling
from edgelingua.llama.writing import Writing
from edgelingua.models import registry
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import Prompt, Segment
from edgelingua.scores import Progress
from edgelingua.stream import Stream, heeding
from edgelingua.system.logs import logger
from edgelingua.system.measure import Stopwatch
from edgelingua.text.encodings import refuse_surrogates
from edgelingua.text.structure import Mode

_log = logger(__name__)

SYSTEM = "You answer questions about the text you are given. Answer briefly, from the text only."


@dataclass(frozen=True, eq=False)
class Reply:
    """An answer and what it took.

    ``prompt_tokens`` counts the whole chat prompt. ``complete``: the model ended the answer;
    otherwise ``max_tokens`` did, or it was cancelled. ``milliseconds`` are those of the stages
    ``compress``, ``prefill`` and ``generate``; ``memory`` is as it was at the end.
    """

    text: str
    compressed: Compressed
    cache: CacheStatistics
    prompt_tokens: int
    answer_tokens: int
    complete: bool
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
        refuse_surrogates(system, "the system prompt")
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

    def ask(  # noqa: PLR0913 - the options of `stream`, and one
        self,
        context: str | Segment | Sequence[str | Segment],
        question: str,
        budget: Budget | None = None,
        *,
        structure: Mode = "compress",
        max_tokens: int = 128,
        on_text: Callable[[str], None] | None = None,
        progress: Progress | None = None,
        cancel: Event | None = None,
    ) -> Reply:
        """Answer a question about a text; the other parameters are those of `stream`.

        Parameters
        ----------
        on_text
            Called with each piece of the answer as it is written.

        Raises
        ------
        InputError, BudgetError, CapError, CancelledError
            As for `stream`.
        """
        stream = self.stream(
            context,
            question,
            budget,
            structure=structure,
            max_tokens=max_tokens,
            progress=progress,
            cancel=cancel,
        )
        for piece in stream:
            if on_text:
                on_text(piece)
        return stream.reply

    def stream(
        self,
        context: str | Segment | Sequence[str | Segment],
        question: str,
        budget: Budget | None = None,
        *,
        structure: Mode = "compress",
        max_tokens: int = 128,
        progress: Progress | None = None,
        cancel: Event | None = None,
    ) -> Stream[Reply]:
        """Return an iterator over the pieces of an answer; its ``reply`` is the whole `Reply`.

        The work is done while one iterates, the text is compressed and read before the first piece.

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
        progress
            Called while the text is scored.
        cancel
            Ends the work when another thread sets it, within one step of scoring, reading or
            writing: the answer is what was written until then. ``Stream.cancel`` sets it too.

        Raises
        ------
        InputError, BudgetError
            The text or the budget cannot be worked with.
        CapError
            The cap cannot hold what must stay in the cache.
        CancelledError
            It was cancelled before anything was written.
        """
        if not question.strip():
            raise InputError("the question is empty")
        prompt = Prompt.build(context, question=question, structure=structure)
        staying = self._chat_tokens() + self.reader.count(question)
        session = self.reader.session(self.cap, self.policy, cache=self.cache)
        session.check_room(np.ones(staying, dtype=bool))
        if budget is None:
            budget = Budget(tokens=self._room(max_tokens))
        elif not isinstance(budget, Budget):
            raise InputError(f"expected a budget, got {described(budget)}: Budget(tokens=100)")
        if budget.count is None:
            budget = replace(budget, count=self.reader.count)
        cancel = cancel or Event()

        def work(budget: Budget, cancel: Event) -> Generator[str, None, Reply]:
            watch = Stopwatch()
            with watch.stage("compress"):
                compressed = self.compressor.compress(prompt, budget, heeding(cancel, progress))
            with watch.stage("prefill"):
                read = self._read(session, compressed, question, cancel)
            sampler = self.reader.sampler(session, self.sampling)
            writing = Writing(self.reader, session, sampler, limit=max_tokens, cancel=cancel)
            with watch.stage("generate"):
                yield from writing.pieces()
            spent = ", ".join(f"{name} {ms:.0f} ms" for name, ms in watch.milliseconds.items())
            _log.info("%d tokens read, %d written: %s", read, len(writing.tokens), spent)
            return Reply(
                text=writing.text.strip(),
                compressed=compressed,
                cache=session.statistics,
                prompt_tokens=read,
                answer_tokens=len(writing.tokens),
                complete=writing.complete,
                milliseconds=watch.milliseconds,
                memory=session.memory,
            )

        return Stream(work(budget, cancel), cancel)

    def _read(self, session: Session, compressed: Compressed, question: str, cancel: Event) -> int:
        """Feed the compressed prompt; return how many tokens that were."""
        parts = self._chat(compressed.text)
        tokens = np.concatenate([part.tokens for part in parts])
        if len(tokens) > self.cap:
            warnings.warn(
                f"the compressed prompt has {len(tokens)} tokens, more than the cap of {self.cap}: "
                "what does not fit is evicted; lower the budget or raise the cap",
                EvictionWarning,
                stacklevel=5,  # where `ask` was called
            )
        pinned, importance = cell_masks(self.reader, parts, question, compressed)
        session.feed(tokens, pinned, importance=importance, progress=heeding(cancel))
        return len(tokens)

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
