"""What an `Assistant` needs of whatever answers."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from threading import Event
from typing import Protocol, runtime_checkable

from edgelingua.compressed import Compressed
from edgelingua.kv.statistics import CacheStatistics, MemoryUse
from edgelingua.llama.sampling import Sampling
from edgelingua.system.measure import Stopwatch


@dataclass(frozen=True)
class Asked:
    """What is to be answered, but for the text: the question, how, and in how many tokens."""

    question: str
    system: str
    sampling: Sampling
    max_tokens: int


@dataclass(frozen=True, eq=False)
class Written:
    """An answer: tokens ``read`` for it and ``written``, and whether the model ended it.

    ``cache`` and ``memory`` are as they were at the end; ``None`` where they are not ours.
    """

    text: str
    read: int
    written: int
    complete: bool
    cache: CacheStatistics | None = None
    memory: MemoryUse | None = None


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
