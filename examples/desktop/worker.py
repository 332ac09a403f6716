"""All that takes time, in one thread of its own: documents are read, compressed and asked there.

Nothing here knows a window: it is told what to do by calls that return at once, and tells what
happens as events.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from examples.desktop import documents, events

from edgelingua.errors import CancelledError, EdgeLinguaError
from edgelingua.stream import heeding

if TYPE_CHECKING:
    from examples.desktop.conversation import Conversation


Job = Callable[[Event], None]


class Worker:
    """One thread that does one thing after the other.

    Parameters
    ----------
    tell
        Called with each event, in that thread.
    conversation
        Makes what loads, compresses and answers; called in that thread.
    """

    def __init__(
        self, tell: Callable[[events.Happened], None], conversation: Callable[[], Conversation]
    ) -> None:
        self._tell = tell
        self._make = conversation
        self._conversation: Conversation | None = None
        self._jobs: queue.Queue[tuple[Job, Event] | None] = queue.Queue()
        self._waiting: list[Event] = []
        self._thread = Thread(target=self._work, name="worker", daemon=True)
        self._thread.start()

    def open(self, path: Path, password: str = "") -> None:
        """Read a document."""

        def job(cancel: Event) -> None:
            self._tell(events.Working(f"Opening {path.name}"))

            def page(done: int, total: int) -> None:
                self._tell(events.Working(f"Reading {path.name}", done, total))

            try:
                document = documents.read(path, password, heeding(cancel, page))
            except documents.LockedError as error:
                self._tell(events.Locked(path, str(error)))
            else:
                self._tell(events.Opened(document))

        self._put(job)

    def begin(self, cap: int, reader: Path | None = None) -> None:
        """Begin a chat in a cache of ``cap`` cells, with another reader if one is given."""

        def job(cancel: Event) -> None:
            conversation = self._loaded()
            if conversation.loads(reader):
                self._tell(events.Working(conversation.what_loading_is(reader)))
            name = conversation.begin(cap, reader)
            self._tell(events.Ready(name, cap))

        self._put(job)

    def ask(self, question: str, document: str = "", tokens: int = 0) -> None:
        """Answer a question, with up to ``tokens`` of a document, or what fits if that is 0."""

        def job(cancel: Event) -> None:
            conversation = self._loaded()
            compressed = None
            if document:
                started = time.perf_counter()
                self._tell(events.Working("Choosing words"))

                def scored(done: int, total: int) -> None:
                    self._tell(events.Working("Choosing words", done, total))

                compressed = conversation.compress(
                    document, question, tokens, heeding(cancel, scored)
                )
                self._tell(events.Kept(compressed, time.perf_counter() - started))
            self._tell(events.Working("Reading"))
            started = time.perf_counter()
            stream = conversation.stream(question, compressed, cancel)
            for piece in stream:
                self._tell(events.Piece(piece))
            reply, seconds = stream.reply, time.perf_counter() - started
            self._tell(
                events.Answered(
                    reply.complete, reply.read, reply.tokens, seconds, conversation.cache
                )
            )

        self._put(job)

    def cancel(self) -> None:
        """End what is being done, and forget what waits."""
        for event in list(self._waiting):
            event.set()

    def close(self, timeout: float = 5.0) -> None:
        """Cancel everything and end the thread, for which to wait ``timeout`` seconds at most."""
        self.cancel()
        self._jobs.put(None)
        self._thread.join(timeout)

    @property
    def works(self) -> bool:
        """Whether the thread is still there."""
        return self._thread.is_alive()

    def _loaded(self) -> Conversation:
        if self._conversation is None:
            self._conversation = self._make()
        return self._conversation

    def _put(self, job: Job) -> None:
        cancel = Event()
        self._waiting.append(cancel)
        self._jobs.put((job, cancel))

    def _work(self) -> None:
        while todo := self._jobs.get():
            job, cancel = todo
            with self._told():
                heeding(cancel)(0, 0)
                job(cancel)
            self._waiting.remove(cancel)
            self._tell(events.Done())

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell of errors; the thread goes on."""
        try:
            yield
        except CancelledError:
            self._tell(events.Cancelled())
        except EdgeLinguaError as error:
            self._tell(events.Failed(str(error)))
        except MemoryError:
            self._tell(events.Failed("There is not enough memory for this."))
        except Exception as error:  # a window that goes silent helps nobody
            self._tell(events.Failed(f"{type(error).__name__}: {error}"))
