"""What an `Assistant` needs of whatever answers."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from threading import Event
from typing import Protocol, runtime_checkable

from edgelingua.compressed import Compressed
from edgelingua.kv.statistics import CacheStatistics, MemoryUse
from edgelingua.llama.sampling import Sampling
from edgelingua.selection.rest import Further
from edgelingua.system.measure import Stopwatch


@dataclass(frozen=True)
class Asked:
    """What is to be answered, but for the text: the question, how, and in how many tokens.

    ``doubting``: whether to tell how unsure the model was (`Written.doubt`).
    """

    question: str
    system: str
    sampling: Sampling
    max_tokens: int
    doubting: bool = False


@dataclass(frozen=True, eq=False)
class Written:
    """An answer: tokens ``read`` for it and ``written``, and whether the model ended it.

    ``cache`` and ``memory`` are as they were at the end; ``None`` where they are not ours.
    ``doubt``: how unsure the model was, see `readers.doubt.doubt_of`; ``None`` if nobody asked.
    """

    text: str
    read: int
    written: int
    complete: bool
    cache: CacheStatistics | None = None
    memory: MemoryUse | None = None
    doubt: float | None = None


class Reading(Protocol):
    """One answer in the making."""

    def room(self) -> int:
        """Return the tokens that text and question may have together.

        Raises
        ------
        CapError
            There is no room beside what else has to be there.
        InputError
            It is not known.
        """
        ...

    def write(
        self, compressed: Compressed, watch: Stopwatch, cancel: Event
    ) -> Generator[str, None, Written]:
        """Read a compressed text, which ends with the question; yield the answer in pieces.

        The stages ``prefill`` and ``generate`` are timed. Once ``cancel`` is set, the answer is
        what was written until then.

        Raises
        ------
        CancelledError
            It was cancelled before anything was written.
        ReaderError
            The model failed.
        """
        ...

    def left(self) -> int:
        """Return the tokens that may be read behind what was, the question's included."""
        ...

    def write_on(
        self, further: Further, watch: Stopwatch, cancel: Event
    ) -> Generator[str, None, Written]:
        """Read more, in the place of the last answer, and the question again; answer it as `write`.

        What was read of the text before stays read.
        """
        ...


@runtime_checkable
class Reader(Protocol):
    """Counts tokens and answers: `CappedReader` here, `RemoteReader` elsewhere."""

    def count(self, text: str, /) -> int:
        """Return the number of tokens that ``text`` has for the model."""
        ...

    def reading(self, asked: Asked, /) -> Reading:
        """Return an answer to be.

        Raises
        ------
        CapError, InputError
            What must stay has no place, or the reader cannot do what is asked.
        """
        ...
