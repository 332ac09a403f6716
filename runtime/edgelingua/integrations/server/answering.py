"""A request answered by the reader: prepared, then written piece by piece."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import replace

from edgelingua.compressors import Compressor
from edgelingua.errors import CancelledError, EdgeLinguaError
from edgelingua.integrations.server.beginnings import Beginnings
from edgelingua.integrations.server.calls import Call
from edgelingua.integrations.server.chat_layout import ChatLayout
from edgelingua.integrations.server.drawing import Drawing
from edgelingua.integrations.server.laid import Laid
from edgelingua.integrations.server.likelihoods import Likelihoods
from edgelingua.integrations.server.patience import Patience
from edgelingua.integrations.server.pool import Pool
from edgelingua.integrations.server.problems import ApiError, of_request
from edgelingua.integrations.server.requests import Request
from edgelingua.integrations.server.stopping import Stopper
from edgelingua.integrations.server.text_layout import TextLayout
from edgelingua.integrations.server.written import Finish, Piece
from edgelingua.kv.session import Session
from edgelingua.llama.model import LlamaModel
from edgelingua.llama.writing import Writing


class Answerer:
    """Answers requests, one at a time.

    Parameters
    ----------
    reader, compressor
        Read and compress.
    open_session
        Makes an empty session of the reader with the cap.
    cap
        Most tokens in a session's cache.
    sessions
        Most sessions that are kept.
    beginnings
        Keeps system prompts that were read.
    """

    def __init__(
        self,
        reader: LlamaModel,
        compressor: Compressor,
        open_session: Callable[[], Session],
        *,
        cap: int,
        sessions: int,
        beginnings: Beginnings | None = None,
    ) -> None:
        self.reader = reader
        self.cap = cap
        self.pool = Pool(open_session, sessions, beginnings)
        self._beginnings = beginnings
        self.compressor = compressor
        self._chats = ChatLayout(reader, compressor, cap)
        self._texts = TextLayout(reader, compressor)
        self._drawing = Drawing(reader, self._chats, cap)

    def prepare(self, request: Request, patience: Patience) -> Laid:
        """Lay out a request, compressed if need be.

        Raises
        ------
        ApiError
            It cannot be read: what must stay exceeds the cap, a pin does not occur, the model's
            chat template does not take it, or llama.cpp not the grammar.
        CancelledError
            The client has gone.
        """
        patience.check()
        room = self.cap - min(request.limit, self.cap // 4)
        prompt, pins = request.prompt, request.pins

        texts = [prompt] if isinstance(prompt, str) else [m.content for m in prompt]
        for pin in pins:
            if not any(pin in text for text in texts):
                raise ApiError(
                    f"Invalid 'edgelingua.pin': a text of {len(pin):,} characters that does not "
                    "occur in the request.",
                    code="invalid_value",
                    param="edgelingua.pin",
                )
        self._drawing.check(request)
        started = time.perf_counter()
        try:
            if isinstance(prompt, str):
                laid = self._texts.lay_out(prompt, room, pins, patience.check)
            else:
                laid = self._chats.lay_out(prompt, room, pins, patience.check, request.tools)
            self.pool.check_room(laid.pinned)
        except CancelledError:
            raise
        except EdgeLinguaError as error:
            raise of_request(error, "messages" if request.chat else "prompt", self.cap) from error
        return replace(laid, seconds=time.perf_counter() - started) if laid.changes else laid

    def write(
        self, request: Request, laid: Laid, patience: Patience
    ) -> Generator[Piece | Finish, None, None]:
        """Yield the pieces of each answer, some of them empty; then its `Finish`.

        Raises
        ------
        CancelledError, ApiError
            As `prepare`, while the prompt is read. Later the answer ends with what was written, and
            those that are still to come are empty.
        """
        for choice in range(request.choices):
            try:
                yield from self._one(request, laid, patience, choice)
            except ApiError:  # the time is over before this one began
                if not choice:
                    raise
                yield Finish("length", 0, 0, 0, choice, 0.0)

    def _one(
        self, request: Request, laid: Laid, patience: Patience, choice: int
    ) -> Generator[Piece | Finish, None, None]:
        session, cached = self.pool.take(laid.tokens, laid.pinned, laid.opening)
        evicted = session.statistics.evicted
        stopper = Stopper(request.stops)
        form = self._chats.form
        listener = form.listener(request.tools) if request.tools else None
        called = 0
        sampler = self._drawing.sampler(request, session, choice)
        writing = Writing(self.reader, session, sampler, limit=request.limit, cancel=patience.gone)
        complete = True
        started = time.perf_counter()

        def passed(text: str, *, end: bool = False) -> Piece:
            nonlocal called
            tokens = sampler.of(text) if isinstance(sampler, Likelihoods) else ()
            calls: list[Call] = []
            if listener:
                text, calls = listener.feed(text)
                if end:
                    rest, last = listener.rest()
                    text, calls = text + rest, calls + last
            called += len(calls)
            return Piece(text, choice, tokens, tuple(calls))

        try:
            for part in self._parts(cached, laid):
                session.feed(laid.tokens[part], laid.pinned[part], progress=patience.check)
                if self._beginnings and part.stop == laid.opening == len(session.cells):
                    self._beginnings.keep(session)
            seconds = time.perf_counter() - started
            for piece in writing.pieces():
                yield passed(stopper.feed(piece))
                if stopper.stopped:
                    break
                if patience.over:
                    complete = False
                    break
            yield passed(stopper.rest(), end=True)
        finally:
            self.pool.give_back(session, len(laid.tokens) + len(writing.tokens))
        ended = stopper.stopped or (complete and writing.complete)
        yield Finish(
            ("tool_calls" if called else "stop") if ended else "length",
            len(writing.tokens),
            cached,
            session.statistics.evicted - evicted,
            choice,
            seconds,
        )

    def _parts(self, cached: int, laid: Laid) -> list[slice]:
        """Return what is left to be read, in two if the first is to be saved."""
        if self._beginnings and cached < laid.opening:
            return [slice(cached, laid.opening), slice(laid.opening, len(laid.tokens))]
        return [slice(cached, len(laid.tokens))]
