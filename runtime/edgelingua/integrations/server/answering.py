"""A request answered by the reader: prepared, then written piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Literal

from edgelingua.compressors import Compressor
from edgelingua.errors import EdgeLinguaError
from edgelingua.integrations.server.chat_layout import ChatLayout
from edgelingua.integrations.server.laid import Laid
from edgelingua.integrations.server.patience import Patience
from edgelingua.integrations.server.pool import Pool
from edgelingua.integrations.server.problems import ApiError, of_request
from edgelingua.integrations.server.requests import Request
from edgelingua.integrations.server.stopping import Stopper
from edgelingua.integrations.server.text_layout import TextLayout
from edgelingua.kv.session import Session
from edgelingua.llama.model import LlamaModel

STEP = 128
"""Tokens read between two looks at whether anybody still waits."""


@dataclass(frozen=True)
class Finish:
    """How an answer ended: ``written`` tokens, ``cached`` ones that had been read before.

    ``evicted`` cached tokens gave way to others while it was read and written.
    """

    reason: Literal["stop", "length"]
    written: int
    cached: int
    evicted: int


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
    """

    def __init__(
        self,
        reader: LlamaModel,
        compressor: Compressor,
        open_session: Callable[[], Session],
        *,
        cap: int,
        sessions: int,
    ) -> None:
        self.reader = reader
        self.cap = cap
        self.pool = Pool(open_session, sessions)
        self._chats = ChatLayout(reader, compressor, cap)
        self._texts = TextLayout(reader, compressor)

    def prepare(self, request: Request, patience: Patience) -> Laid:
        """Lay out a request, compressed if need be.

        Raises
        ------
        ApiError
            It cannot be read: what must stay exceeds the cap, a pin does not occur, or the model's
            chat template does not take it.
        Ended
            Nobody waits any more.
        """
        patience.check()
        room = self.cap - min(request.limit, self.cap // 4)
        prompt, pins = request.prompt, request.pins

        def progress(done: int, total: int) -> None:
            patience.check()

        texts = [prompt] if isinstance(prompt, str) else [m.content for m in prompt]
        for pin in pins:
            if not any(pin in text for text in texts):
                raise ApiError(
                    f"Invalid 'edgelingua.pin': a text of {len(pin):,} characters that does not "
                    "occur in the request.",
                    code="invalid_value",
                    param="edgelingua.pin",
                )
        try:
            if isinstance(prompt, str):
                laid = self._texts.lay_out(prompt, room, pins, progress)
            else:
                laid = self._chats.lay_out(prompt, room, pins, progress)
            self.pool.check_room(laid.pinned)
        except EdgeLinguaError as error:
            raise of_request(error, "messages" if request.chat else "prompt") from error
        return laid

    def write(
        self, request: Request, laid: Laid, patience: Patience
    ) -> Generator[str | Finish, None, None]:
        """Yield the pieces of an answer, empty ones while the prompt is read; then a `Finish`."""
        session, cached = self.pool.take(laid.tokens, laid.pinned)
        evicted = session.statistics.evicted
        read = cached
        stopper = Stopper(request.stops)
        written: list[int] = []
        try:
            while read < len(laid.tokens):
                step = slice(read, read + STEP)
                session.feed(laid.tokens[step], laid.pinned[step])
                read = min(read + STEP, len(laid.tokens))
                yield ""
            sampler = self.reader.sampler(session, request.sampling)

            def tokens() -> Iterator[int]:
                for token in session.generate(sampler, request.limit, self.reader.stop_tokens):
                    written.append(token)
                    yield token
                    if patience.over:
                        return

            for piece in self.reader.stream_text(tokens()):
                yield stopper.feed(piece)
                if stopper.stopped:
                    break
            yield stopper.rest()
        finally:
            self.pool.give_back(session, read + len(written))
        ended = stopper.stopped or (len(written) < request.limit and not patience.over)
        yield Finish(
            "stop" if ended else "length",
            len(written),
            cached,
            session.statistics.evicted - evicted,
        )
