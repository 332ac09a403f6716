"""The texts of a request, and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgelingua.integrations.proxy.cut import Sent
from edgelingua.scores import Progress


@dataclass(frozen=True)
class Change:
    """A text that is sent shortened: its message, its tokens, and the id to ask it back with."""

    message: int
    before: int
    after: int
    id: str


@dataclass(frozen=True)
class Squeezed:
    """What became of a request: tokens of its texts but for instructions, as counted here.

    ``failed`` texts are passed on as they came because the compressor failed.
    """

    before: int = 0
    after: int = 0
    changes: tuple[Change, ...] = ()
    failed: int = 0

    @property
    def header(self) -> bytes:
        """The same in short."""
        said = f"before={self.before}, after={self.after}, compressed={len(self.changes)}"
        return (said + f", failed={self.failed}" * bool(self.failed)).encode()


@dataclass(frozen=True, eq=False)
class Entry:
    """A text of a request.

    Parameters
    ----------
    mark
        Where in the conversation it stands, see `Trail`.
    message
        The number of its message.
    text, put
        What stands there, and how to put another text there.
    make, plain
        Cuts it if it is new, ``None`` for one that stays; and what it is where it is not cut, but
        for a beginning that was cut before.
    """

    mark: bytes
    message: int
    text: str
    put: Callable[[str], None]
    make: Callable[[Progress], Sent | None] | None = None
    plain: Callable[[], Sent | None] = lambda: None
