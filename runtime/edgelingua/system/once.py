"""What is made when it is first asked for, once, whichever thread asks."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Once(Generic[Made]):
    """Call ``make`` when first called, and return what it made then and ever after.

    Where it fails, the next call tries again.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._made: list[Made] = []
        self._lock = Lock()

    def __call__(self) -> Made:
        """Return what was made."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]
