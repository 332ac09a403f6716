"""The texts of a request as entries, each with its place in the conversation."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

from edgelingua.compressors import Compressor
from edgelingua.integrations.proxy.choosing import Chooser, Wishes, in_the_middle
from edgelingua.integrations.proxy.cut import Cut, Sent, Task, cut, new_id, tokens_of
from edgelingua.integrations.proxy.messages import turns
from edgelingua.integrations.proxy.squeezed import Entry
from edgelingua.integrations.proxy.state import State
from edgelingua.integrations.proxy.trail import Trail
from edgelingua.scores import Progress

_CONTROL = re.compile(r"<\|[^\s|]{1,40}\|>|\[/?INST\]|<(?:fim_|start_of_turn|PRE>)")
"""What stands in texts that went through a chat template, or that are code to be filled in."""

_START = 64
"""Characters by which the beginnings of prompts are told apart."""

_MOST_BEGINNINGS = 64


@dataclass(frozen=True)
class Entries:
    """Finds the texts of a request.

    Parameters
    ----------
    compressor, wishes
        What cuts, and what the request wants.
    note
        Stands behind what was cut, see `cut`.
    """

    compressor: Compressor
    wishes: Wishes
    note: str = ""

    def of_messages(
        self, body: dict[str, Any], trail: Trail, whole: Collection[int] = ()
    ) -> list[Entry]:
        """Return the texts of a request with messages.

        Parameters
        ----------
        body, trail
            The request, and a trail at its beginning.
        whole
            ``id`` of messages and blocks whose texts stay as they are.
        """
        said = turns(body)
        chooser = Chooser(said, self.wishes, self.compressor.count)
        found = []
        for turn in said:
            trail.mark([turn.kind, turn.frame])
            for block in turn.blocks:
                mark = trail.mark(block.whole)
                for number, place in enumerate(block.places):
                    task = None if id(place.holder) in whole else chooser.task(turn, place)
                    found.append(
                        Entry(
                            mark + number.to_bytes(4),
                            turn.number,
                            place.text,
                            place.put,
                            task and partial(self._cut, task),
                        )
                    )
        return found

    def of_prompt(
        self, body: dict[str, Any], trail: Callable[[], Trail], state: State
    ) -> list[Entry]:
        """Return the text of a request with one.

        What was sent before stays at its beginning, also where more was written behind it since.
        A text that went through a chat template is none to be cut, nor is code to be filled in.

        Parameters
        ----------
        body
            The request.
        trail, state
            Makes a trail, and knows what was sent before.
        """
        text = body.get("prompt")
        if not isinstance(text, str):
            return []
        # Short ones, of whatever beginning, have few lengths between them.
        short, start = trail().mark(""), trail().mark(text[:_START])
        lengths = [length for length in state.lengths(start) if length < len(text)]
        lengths = [*state.lengths(short), *lengths[-_MOST_BEGINNINGS:]]
        marks = {trail().mark(text[:length]): length for length in lengths if length < len(text)}
        known = state.known(marks)
        mark, at = max(
            ((mark, marks[mark]) for mark in known), key=lambda found: found[1], default=(b"", 0)
        )
        before = known[mark].cut if at else None
        state.began(short if len(text) < _START else start, len(text))

        def task() -> Task | None:
            return in_the_middle(text[at:], self.wishes, self.compressor.count)

        def make(progress: Progress) -> Sent | None:
            rest = self._cut(task, progress)
            return _after(before, text, at, rest, self.compressor)

        def plain() -> Sent | None:
            return _after(before, text, at, None, self.compressor)

        filled = any(body.get(name) for name in ("suffix", "raw", "context"))
        cuts = self.wishes.rate < 1 and not filled and not _CONTROL.search(text)
        put = partial(body.__setitem__, "prompt")
        return [Entry(trail().mark(text), 0, text, put, make if cuts else None, plain)]

    def _cut(self, task: Callable[[], Task | None], progress: Progress) -> Sent | None:
        found = task()
        return cut(self.compressor, found, self.note, progress) if found else None


def _after(
    before: Cut | None, text: str, at: int, rest: Sent | None, compressor: Compressor
) -> Sent | None:
    """Put what became of a text behind character ``at`` behind what had become of it before."""
    behind = rest.cut if rest else None
    if before is None and behind is None:
        return None
    head = before.text if before else text[:at]
    kept = before.spans if before else ((0, at),) if at else ()
    tail = behind.text if behind else text[at:]
    more = behind.spans if behind else ((0, len(text) - at),)
    spans = (*kept, *((start + at, end + at) for start, end in more))
    sent = Cut(behind.id if behind else new_id(), text, head + tail, spans)
    return Sent(tokens_of(compressor, text), tokens_of(compressor, sent.text), sent)
