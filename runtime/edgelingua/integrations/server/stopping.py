"""Texts that end an answer."""

from __future__ import annotations

from collections.abc import Sequence


class Stopper:
    """Passes a text on as it is written, up to the first of the texts that end it.

    What may be the beginning of one of them waits until more is known.

    Parameters
    ----------
    stops
        The texts; none of them is empty.

    Attributes
    ----------
    stopped
        Whether one has come.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._held = ""
        self.stopped = False

    def feed(self, piece: str) -> str:
        """Return what can be passed on after a piece more."""
        text = self._held + piece
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        waiting = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - waiting :]
        return text[: len(text) - waiting]

    def rest(self) -> str:
        """Return what still waits, when no more comes."""
        rest, self._held = self._held, ""
        return rest


def _overlap(text: str, stop: str) -> int:
    """Characters at the end of a text that are the beginning of another."""
    for size in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:size]):
            return size
    return 0
