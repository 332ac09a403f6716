"""Which texts of a conversation are cut when they are first sent, and in the light of what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from edgelingua.budget import Count
from edgelingua.integrations.proxy.cut import Task
from edgelingua.integrations.proxy.messages import Place, Turn
from edgelingua.integrations.server.question import Asked, split

_QUESTION = 256
"""Tokens of a question that guides a compressor, at most."""

_LOOKED_AT = 50_000
"""Characters at the end of a text in which its question is looked for."""


@dataclass(frozen=True)
class Wishes:
    """What a request wants.

    ``rate`` is the fraction of its tokens that a text may keep; ``documents``, whether a long last
    turn of the user is cut too, but for its first line and its end; ``pins`` survive wherever they
    stand;
    ``report`` asks for an object ``edgelingua`` in a reply that is not streamed; ``off``, to be
    passed on as it is.
    """

    rate: float
    documents: bool
    pins: tuple[str, ...] = ()
    report: bool = False
    off: bool = False


def asked_in(text: str, count: Count) -> Asked:
    """Return what is asked at the ends of a long text, and what lies between."""
    at = max(0, len(text) - _LOOKED_AT)
    asked = split(text[at:], _QUESTION, count)
    return Asked("", text[:at] + asked.before + asked.document, asked.after) if at else asked


class Chooser:
    """Says what is to be done with texts that are sent for the first time.

    Tool outputs and documents are cut wherever they stand. What users and assistants said is cut
    before the last question but one: the talk of the moment stays.

    Parameters
    ----------
    turns, wishes
        The conversation, and what the request wants.
    count
        Counts tokens.
    """

    def __init__(self, turns: Sequence[Turn], wishes: Wishes, count: Count) -> None:
        asking = [turn for turn in turns if turn.asked]
        self._wishes = wishes
        self._count = count
        self._asking = asking[-1] if asking else None
        self._recent = asking[-2].number if len(asking) > 1 else -1

    @cached_property
    def _question(self) -> str:
        asked = self._asking.asked if self._asking else ""
        return asked if len(asked) <= _QUESTION else asked_in(asked, self._count).question

    def task(self, turn: Turn, place: Place) -> Callable[[], Task | None] | None:
        """Return what says how a text is to be cut; ``None`` for one that stays."""
        wishes, text = self._wishes, place.text
        if wishes.rate == 1:
            return None
        if place.kind in ("tool", "document") or turn.number < self._recent:
            return lambda: Task(text, self._question, wishes.rate, wishes.pins)
        if wishes.documents and turn is self._asking and place.kind == "user":
            last = turn.said[-1]
            if place is last:
                return lambda: in_the_middle(text, wishes, self._count)
            asked = last.text  # what stands before it, in blocks of its own, is what it is about
            return lambda: Task(
                text, asked_in(asked, self._count).question, wishes.rate, wishes.pins
            )
        return None


def in_the_middle(text: str, wishes: Wishes, count: Count) -> Task | None:
    """Return how a text that asks is to be cut: but for its first line and its end."""
    asked = asked_in(text, count)
    if not asked.document.strip():
        return None
    stays = ((0, len(asked.before)), (len(text) - len(asked.after), len(text)))
    return Task(text, asked.question, wishes.rate, wishes.pins, stays)
