"""Documents that were found for a question, compressed together: what the frameworks build on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from edgelingua.budget import Budget
from edgelingua.compressors import Compressor, load_compressor
from edgelingua.errors import InputError, described
from edgelingua.integrations.proxy.options import OnFailure
from edgelingua.prompt import Pin, Prompt, Segment, without_question
from edgelingua.scores import Progress
from edgelingua.segments import pins_of
from edgelingua.system.in_thread import in_thread
from edgelingua.system.logs import logger

_log = logger(__name__)


@dataclass(frozen=True)
class Kept:
    """What is kept of a document.

    ``index`` is its place among those that came, ``spans`` are the character ranges of it that
    ``text`` is made of, but for marks of gaps and line breaks in the place of blanks; ``text`` is
    ``None`` where it had none. ``error`` says why it stayed as it is, if something is wrong
    with it.
    """

    index: int
    text: str | None
    spans: tuple[tuple[int, int], ...]
    error: str | None = None

    @property
    def metadata(self) -> dict[str, object]:
        """What a document's metadata say of it, in JSON's types."""
        said: dict[str, object] = {"edgelingua_spans": [list(span) for span in self.spans]}
        return said | ({"edgelingua_error": self.error} if self.error else {})


@dataclass(frozen=True)
class Documents:
    """What is kept of documents, in their order, and their tokens before and after.

    Those of which nothing is kept are not among them. Documents that stay as they are for an
    error are not counted.
    """

    kept: tuple[Kept, ...]
    tokens_in: int = 0
    tokens_out: int = 0


class DocumentCompressor:
    """Compresses documents together, so that those which answer the question keep most.

    Any number of threads may use one.

    Parameters
    ----------
    compressor
        See `load_compressor`, whose default it is.
    rate, tokens
        What all documents together may keep, see `Budget`; the question is not counted. Half of
        their tokens, where neither is said.
    pin
        What survives wherever it stands: texts, which may stand nowhere, and compiled patterns.
    on_failure
        ``"open"``: a document that cannot be read goes on as it came, and the log names it;
        ``"closed"``: it is refused, before any is compressed.

    Raises
    ------
    InputError, BudgetError
        An option has no such value.
    """

    def __init__(
        self,
        compressor: Compressor | None = None,
        *,
        rate: float | None = None,
        tokens: int | None = None,
        pin: Pin | Iterable[Pin] = (),
        on_failure: OnFailure = "open",
    ) -> None:
        if on_failure not in get_args(OnFailure):
            raise InputError(f"on_failure: expected open or closed, got {on_failure!r}")
        self._rate = 0.5 if rate is None and tokens is None else rate
        self._tokens = tokens
        Budget(rate=self._rate, tokens=tokens)  # refuses what is none
        self._pins = tuple(pins_of(pin))
        self._closed = on_failure == "closed"
        self._compressor = load_compressor() if compressor is None else compressor

    def compress(
        self,
        texts: Sequence[str | None],
        question: str = "",
        *,
        names: Sequence[object] = (),
        progress: Progress | None = None,
    ) -> Documents:
        """Compress documents.

        Parameters
        ----------
        texts
            Their texts. Blank ones stay, and so does ``None``, where a document is an image.
        question
            What they were found for.
        names
            What the log and errors call them, beside their numbers.
        progress
            Called while they are scored.

        Raises
        ------
        InputError
            A document cannot be read and ``on_failure`` is ``"closed"``; they are too long
            together; or the compressor needs a question.
        BudgetError
            The pins exceed the budget.
        """
        segments: dict[int, Segment] = {}
        stay: list[Kept] = []
        for index, text in enumerate(texts):
            if text is None or (isinstance(text, str) and not text.strip()):
                stay.append(_whole(index, text))
                continue
            try:
                segments[index] = self._segment(text)
            except InputError as error:
                called = names[index] if index < len(names) else None
                name = "" if called is None else f" ({called})"
                told = f"document {index + 1} of {len(texts)}{name}: {error}"
                if self._closed:
                    raise InputError(told) from None
                _log.warning("passed on as it came: %s", told)
                stay.append(_whole(index, text, told))
        if not segments:
            return Documents(tuple(stay))
        question = (question or "").strip()
        prompt = Prompt.build([*segments.values()], question=question)
        count = without_question(self._compressor.count, question)
        budget = Budget(rate=self._rate, tokens=self._tokens, count=count)
        done = self._compressor.compress(prompt, budget, progress)
        pieces = zip(prompt.segments, done.segment_texts(), done.segment_spans(), strict=True)
        contexts = [(text, spans) for segment, text, spans in pieces if segment.role == "context"]
        kept = [
            Kept(index, text, tuple(map(tuple, spans.tolist())))
            for index, (text, spans) in zip(segments, contexts, strict=True)
            if len(spans)
        ]
        both = sorted([*kept, *stay], key=lambda one: one.index)
        return Documents(tuple(both), done.tokens_in, done.tokens_out)

    async def acompress(
        self, texts: Sequence[str | None], question: str = "", *, names: Sequence[object] = ()
    ) -> Documents:
        """`compress` in a thread, which ends when the task that waits for it is cancelled."""
        return await in_thread(
            lambda check: self.compress(texts, question, names=names, progress=check)
        )

    def _segment(self, text: str) -> Segment:
        if not isinstance(text, str):
            raise InputError(f"expected a text, got {described(text)}")
        segment = Segment(text, pin=self._pins)
        Prompt((segment,))  # refuses what is no text
        return segment


def _whole(index: int, text: str | None, error: str | None = None) -> Kept:
    spans = ((0, len(text)),) if isinstance(text, str) and text else ()
    return Kept(index, text, spans, error)
