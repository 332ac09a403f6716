"""Blocks: many cells go at once, then none for a while."""

from __future__ import annotations

from dataclasses import dataclass

from edgelingua.errors import PolicyError
from edgelingua.kv.policy import Around


@dataclass(frozen=True)
class Blocked(Around):
    """A policy that is asked seldom: the cache fills to the cap, then a block of cells goes.

    This hysteresis is no paper's. The engine is asked for the policy's signals once a block, and
    what is cached stays as it is in between; in exchange, up to a block of the cap lies idle.

    Parameters
    ----------
    policy
        The policy that scores.
    size
        Cells that go at once; fewer where fewer can go.
    """

    size: int = 64

    def __post_init__(self) -> None:
        if self.size < 1:
            raise PolicyError(f"blocks of {self.size} tokens: expected 1 or more")

    @property
    def block(self) -> int:
        """The size."""
        return self.size
