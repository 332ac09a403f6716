"""What the worker tells of, for a window to show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from examples.desktop.documents import Document

if TYPE_CHECKING:
    from edgelingua import Compressed
    from edgelingua.kv.statistics import CacheStatistics


@dataclass(frozen=True)
class Working:
    """Something has begun, or goes on: ``done`` of ``total`` parts; 0: nobody knows."""

    what: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Ready:
    """A reader is loaded, and an empty chat with it begun."""

    reader: str
    cap: int


@dataclass(frozen=True)
class Opened:
    """A document was read."""

    document: Document


@dataclass(frozen=True)
class Locked:
    """A document wants a password, or another one."""

    path: Path
    why: str


@dataclass(frozen=True)
class Kept:
    """A document was compressed for a question: what the reader is given of it."""

    compressed: Compressed
    seconds: float


@dataclass(frozen=True)
class Piece:
    """The next piece of an answer."""

    text: str


@dataclass(frozen=True)
class Answered:
    """An answer has ended; ``complete``: by itself. ``read`` and ``written`` are tokens."""

    complete: bool
    read: int
    written: int
    seconds: float
    cache: CacheStatistics


@dataclass(frozen=True)
class Failed:
    """What was asked for could not be done, for a reason that a person can read."""

    why: str


@dataclass(frozen=True)
class Cancelled:
    """What was asked for was cancelled before anything of it was there."""


@dataclass(frozen=True)
class Done:
    """One thing that was asked for has ended, however it did."""


Happened = (
    Working | Ready | Opened | Locked | Kept | Piece | Answered | Failed | Cancelled | Done
)  # fmt: skip
