"""Compress, then answer under a cap: the main job in one object."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from edgelingua.budget import Budget, Count
from edgelingua.compressed import Compressed, Reason
from edgelingua.compressors import Compressor, default_method, load_compressor
from edgelingua.errors import InputError, MissingExtraError, described
from edgelingua.kv.memory import Memory
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import Policy
from edgelingua.kv.statistics import CacheStatistics, MemoryUse
from edgelingua.llama.sampling import Sampling
from edgelingua.models import registry
from edgelingua.ort.session import RunOptions
from edgelingua.planner.pace import Pace
from edgelingua.prompt import Prompt, Segment
from edgelingua.readers.escalation import Escalation, read_on, sizes
from edgelingua.readers.reader import Asked, Reader, Written
from edgelingua.scores import Progress
from edgelingua.stream import Stream, heeding
from edgelingua.system.addresses import is_url
from edgelingua.system.logs import logger
from edgelingua.system.measure import Stopwatch
from edgelingua.text.encodings import refuse_surrogates
from edgelingua.text.ranges import as_spans
from edgelingua.text.structure import Mode

if TYPE_CHECKING:
    from edgelingua.llama.model import LlamaModel

_log = logger(__name__)

SYSTEM = "You answer questions about the text you are given. Answer briefly, from the text only."
DEFAULT_CAP = 1024

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Reply:
    """An answer and what it took.

    ``milliseconds`` are those of the stages ``compress``, ``prefill`` and ``generate``.
    ``escalations``: how often more was read because the reader was unsure; ``compressed`` is then
    all that was read, in the order of the text, and tokens are those of all answers.
    """

    text: str
    compressed: Compressed
    written: Written
    milliseconds: dict[str, float]
    escalations: int = 0

    @property
    def doubt(self) -> float | None:
        """How unsure the reader was of this answer, 0 to 1; ``None`` without ``escalate``."""
        return self.written.doubt

    @property
    def prompt_tokens(self) -> int:
        """Tokens that were read: those of the whole chat prompt."""
        return self.written.read

    @property
    def answer_tokens(self) -> int:
        """Tokens of the answer."""
        return self.written.written

    @property
    def complete(self) -> bool:
        """Whether the model ended the answer; else ``max_tokens`` did, or it was cancelled."""
        return self.written.complete

    @property
    def cache(self) -> CacheStatistics:
        """The cache at the end; `InputError` where the reader keeps none here."""
        return _ours(self.written.cache, "cache")

    @property
    def memory(self) -> MemoryUse:
        """Where the memory went at the end; `InputError` where the reader takes none here."""
        return _ours(self.written.memory, "memory")


class Assistant:
    """Answers questions about long texts in little memory.

    Parameters
    ----------
    compressor
        Compresses the text.
    reader
        The model that answers: a `LlamaModel`, which does so under the cap, or a `Reader` such as
        `RemoteReader`, whose cache is its own.
    cap
        Most tokens in the KV cache of a `LlamaModel`, at every step; ``None``: `DEFAULT_CAP`.
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
    pace
        What ``Budget(rate="auto")`` goes by: how fast reader and compressor are here.
    memories
        Stand before the text of every question, or in its place; their cells count against the cap.

    Raises
    ------
    InputError
        A cap, a policy, a cache or memories for a reader whose cache is its own.
    """

    def __init__(  # noqa: PLR0913 - what a reader here takes, and what is asked of it
        self,
        compressor: Compressor,
        reader: LlamaModel | Reader,
        *,
        cap: int | None = None,
        policy: Policy | None = None,
        system: str = SYSTEM,
        sampling: Sampling | None = None,
        cache: CacheOptions | None = None,
        memories: Sequence[Memory] = (),
        pace: Pace | None = None,
    ) -> None:
        refuse_surrogates(system, "the system prompt")
        if isinstance(reader, Reader):
            own = {"cap": cap, "policy": policy, "cache": cache, "memories": memories or None}
            for name, value in own.items():
                if value is not None:
                    raise InputError(
                        f"{name}: this reader keeps its cache itself; leave it out, or give a "
                        "LlamaModel, whose cache is kept here"
                    )
        self.compressor = compressor
        self.reader = reader
        self.cap = cap
        self.policy = policy
        self.system = system
        self.sampling = sampling or Sampling()
        self.cache = cache
        self.memories = tuple(memories)
        self.pace = pace

    @classmethod
    def load(
        cls,
        model: str | Path | None = None,
        reader: str | Path = registry.DEFAULT_READER,
        *,
        cap: int | None = None,
        threads: int = 0,
        max_ttft: float | None = None,
    ) -> Assistant:
        """Load a bundle (default: edgelingua-mini) and a reader.

        ``reader``: see `models.find_reader`; or the address of a `RemoteReader` that needs no key.
        ``max_ttft``: seconds to the first token that ``Budget(rate="auto")`` has to meet. What that
        goes by is read from the card of this device, if there is one (``edgelingua bench``).
        """
        answering: LlamaModel | Reader
        if is_url(reader):
            from edgelingua.readers.remote import RemoteReader

            answering = RemoteReader(str(reader))
        else:
            from edgelingua.llama.model import LlamaModel

            answering = LlamaModel(registry.find_reader(reader), threads=threads)
        method = default_method(model, question=True)
        compressor = load_compressor(
            method, model, count=answering.count, options=RunOptions(threads=threads)
        )
        pace = None
        if not isinstance(answering, Reader):
            bundle = registry.DEFAULT_CLASSIFIER if model is None else Path(model).name
            # Whoever does not ask for "auto" needs no card, nor this reader on it.
            with suppress(*() if max_ttft else (InputError, MissingExtraError)):
                pace = Pace.of(answering.path, bundle, method, seconds=max_ttft)
        elif max_ttft is not None:
            raise InputError("max_ttft: nothing is known of how fast a reader elsewhere is")
        return cls(compressor, answering, cap=cap, pace=pace)

    def ask(  # noqa: PLR0913 - the options of `stream`, and one
        self,
        context: str | Segment | Sequence[str | Segment],
        question: str,
        budget: Budget | None = None,
        *,
        structure: Mode = "compress",
        max_tokens: int = 128,
        escalate: bool | Escalation = False,
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
            escalate=escalate,
            progress=progress,
            cancel=cancel,
        )
        for piece in stream:
            if on_text:
                on_text(piece)
        return stream.reply

    def stream(  # noqa: PLR0913 - one for each option
        self,
        context: str | Segment | Sequence[str | Segment],
        question: str,
        budget: Budget | None = None,
        *,
        structure: Mode = "compress",
        max_tokens: int = 128,
        escalate: bool | Escalation = False,
        progress: Progress | None = None,
        cancel: Event | None = None,
    ) -> Stream[Reply]:
        """Return an iterator over the pieces of an answer; its ``reply`` is the whole `Reply`.

        The work is done while one iterates, the text is compressed and read before the first piece.

        Parameters
        ----------
        context
            The text, or several. What a `Segment` pins is never evicted. Empty: the question is
            about the reader's memories alone.
        question
            What is asked; it is never evicted either.
        budget
            Tokens of text and question together, counted by the reader. ``None``: what the cap, or
            the context of a remote reader that tells it, leaves beside the chat template, the
            system prompt and the answer, so that nothing the compressor kept is evicted again.
            ``Budget(rate="auto")``: what `pace` says, and no more than that; where compressing does
            not pay, the text is read as it is.
        structure
            What becomes of code, JSON and tables, see `Prompt.build`.
        max_tokens
            Longest answer.
        escalate
            Read more of the text where the reader is unsure, and ask again, up to the cap or the
            whole text; see `Escalation`. Nothing is read twice, and no answer is shown before it is
            sure to stay: if none is certain, the one with the least doubt. ``budget`` is then what
            is read first; ``None``: a tenth of the text, at most half of what the cap leaves.
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
        ReaderError
            The reader fails, or an endpoint does.
        CancelledError
            It was cancelled before anything was written.
        """
        if not question.strip():
            raise InputError("the question is empty")
        reader = self._answering()
        # A reader elsewhere has none.
        alone = isinstance(context, str) and not context and bool(getattr(reader, "memories", ()))
        if alone:
            prompt = Prompt.build(question, structure="off")
        else:
            prompt = Prompt.build(context, question=question, structure=structure)
        escalation = Escalation.of(escalate)
        if escalation is not None and alone:
            raise InputError("escalate: there is no text of which more could be read")
        asked = Asked(question, self.system, self.sampling, max_tokens, escalation is not None)
        reading = reader.reading(asked)
        if budget is None and escalation is not None:
            budget = escalation.first(prompt, reading, reader.count)
        if budget is None:
            budget = Budget(tokens=reading.room())
        elif not isinstance(budget, Budget):
            raise InputError(f"expected a budget, got {described(budget)}: Budget(tokens=100)")
        if budget.tokens is None and budget.rate is None:  # a floor alone
            budget = replace(budget, tokens=reading.room())
        if budget.count is None:
            budget = replace(budget, count=reader.count)
        whole = alone
        if budget.rate == "auto" and not alone:
            budget, whole = self._paced(prompt, budget, reader.count, reading.room())
        if escalation is not None and not whole:
            escalation.check_room(prompt, budget, reading, reader.count)
        cancel = cancel or Event()

        def work(budget: Budget, cancel: Event) -> Generator[str, None, Reply]:
            watch = Stopwatch()
            with watch.stage("compress"):
                if whole:
                    compressed = _whole(prompt, budget, reader.count)
                else:
                    compressed = self.compressor.compress(prompt, budget, heeding(cancel, progress))
            escalations = 0
            if escalation is None:
                done = yield from reading.write(compressed, watch, cancel)
            else:
                told = yield from read_on(
                    reading, compressed, escalation, reader.count, watch, cancel
                )
                done, compressed, escalations = told.written, told.compressed, told.escalations
            spent = ", ".join(f"{name} {ms:.0f} ms" for name, ms in watch.milliseconds.items())
            _log.info("%d tokens read, %d written: %s", done.read, done.written, spent)
            text = done.text.strip()
            return Reply(text, compressed, done, watch.milliseconds, escalations)

        return Stream(work(budget, cancel), cancel)

    def _paced(
        self, prompt: Prompt, budget: Budget, count: Count, room: int
    ) -> tuple[Budget, bool]:
        """Return the budget for a rate of "auto", and whether the text is read as it is."""
        if self.pace is None:
            raise InputError(
                "a rate of 'auto' goes by what was measured on this device: run edgelingua bench, "
                "and load the assistant anew, or give it a pace=…"
            )
        tokens, stays = sizes(prompt, count)
        rate = self.pace.rate(tokens - stays, beside=stays)
        if rate == 1 and tokens <= room:  # scores would be for nothing
            return replace(budget, rate=1.0, floor=None), True
        if budget.floor is not None and self.pace.seconds is None:
            rate = 1.0  # the floor says how much
        most = min(room, stays + math.ceil(rate * (tokens - stays)))
        return replace(budget, rate=None, tokens=max(1, most)), False

    def _answering(self) -> Reader:
        """Return what answers: the reader, in a cache under the cap if it is a model here."""
        if isinstance(self.reader, Reader):
            return self.reader
        from edgelingua.readers.capped import CappedReader

        cap = DEFAULT_CAP if self.cap is None else self.cap
        return CappedReader(
            self.reader, cap=cap, policy=self.policy, cache=self.cache, memories=self.memories
        )


def _ours(value: Value | None, what: str) -> Value:
    if value is None:
        raise InputError(f"the reader runs elsewhere: its {what} is not known here")
    return value


def _whole(prompt: Prompt, budget: Budget, count: Count) -> Compressed:
    """A prompt of which nothing is left out."""
    all_of_it, tokens = as_spans([(0, len(prompt.text))]), count(prompt.text)
    return Compressed(
        prompt=prompt,
        spans=all_of_it,
        tokens_in=tokens,
        tokens_out=tokens,
        limit=budget.limit(tokens),
        units=all_of_it,
        scores=np.full(1, np.nan, np.float32),
        reasons=np.full(1, Reason.PROTECTED, np.int8),
        score_unit="rank",
    )
