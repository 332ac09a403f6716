"""Each text is judged once: what was sent before is sent again, what is new is cut for all time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from edgelingua.compressors import Compressor
from edgelingua.errors import CancelledError
from edgelingua.integrations.proxy.cut import Sent, tokens_of
from edgelingua.integrations.proxy.squeezed import Change, Entry, Squeezed
from edgelingua.integrations.proxy.state import State
from edgelingua.scores import Progress


@dataclass(frozen=True)
class Recalled:
    """What is known of a request's texts: what became of them, who lost a pin, who is new."""

    sent: Mapping[bytes, Sent]
    lost: Collection[bytes]
    new: Sequence[Entry]


class Judge:
    """Says what becomes of texts; for any threads.

    Parameters
    ----------
    compressor, state
        What cuts, and what knows what was sent before.
    keep_up_to
        Texts of at most this many tokens stay as they are.
    refuse
        Is told of the first failure of a request; what it raises ends the request.
    """

    def __init__(
        self,
        compressor: Compressor,
        state: State,
        keep_up_to: int,
        refuse: Callable[[Exception], None],
    ) -> None:
        self._compressor = compressor
        self._state = state
        self._keep_up_to = keep_up_to
        self._refuse = refuse

    def recall(self, entries: Sequence[Entry], pins: Collection[str] = ()) -> Recalled:
        """Return what is known of texts; ``pins`` have to be in what was sent before, too."""
        known = self._state.known([entry.mark for entry in entries])
        lost = {mark for mark, sent in known.items() if _lost(sent, pins)}
        new = [entry for entry in entries if entry.mark not in known or entry.mark in lost]
        return Recalled(known, lost, new)

    def cuts(self, entry: Entry) -> bool:
        """Return whether a text may be cut; its characters are no fewer than its tokens."""
        return entry.make is not None and len(entry.text) > self._keep_up_to

    def judge(self, recalled: Recalled, check: Progress) -> tuple[dict[bytes, Sent], int]:
        """Cut what is new and may be cut.

        Parameters
        ----------
        recalled
            What is known.
        check
            Called before each text and while it is scored. `CancelledError` ends the work, and
            what was done by then is found the next time; anything else counts as a failure.

        Returns
        -------
        What becomes of all texts, and how many of them failed, which stay as they are.
        """
        lost = recalled.lost
        # Somebody else may have sent the same while this waited.
        there = self._state.known([e.mark for e in recalled.new if e.mark not in lost])
        made: dict[bytes, Sent] = {}
        try:
            failed = self._make([e for e in recalled.new if e.mark not in there], check, made)
        finally:
            again = recalled.sent.keys() - lost
            kept = self._state.keep(made, again, anew=bool(lost)) if made else {}
        return {**recalled.sent, **there, **kept}, failed

    def _make(self, new: Sequence[Entry], check: Progress, made: dict[bytes, Sent]) -> int:
        failed = 0
        for entry in new:
            tokens = tokens_of(self._compressor, entry.text)
            sent: Sent | None = None
            if entry.make is not None and tokens > self._keep_up_to:
                try:
                    check(0, 1)
                    sent = entry.make(check)
                except CancelledError:
                    raise
                except Exception as error:
                    # Whatever it is, whoever is to read this can still be asked.
                    if not failed:  # one line tells of all, and the first ends it if none may pass
                        self._refuse(error)
                    failed += 1
            made[entry.mark] = sent or entry.plain() or Sent(tokens, tokens)
        return failed


def put(entries: Sequence[Entry], sent: Mapping[bytes, Sent], failed: int) -> Squeezed:
    """Put what became of texts where they stood."""
    changes = []
    for entry in entries:
        one = sent[entry.mark]
        if one.cut:
            entry.put(one.cut.text)
            changes.append(Change(entry.message, one.before, one.after, one.cut.id))
    before, after = (sum(getattr(s, n) for s in sent.values()) for n in ("before", "after"))
    return Squeezed(before, after, tuple(changes), failed)


def _lost(sent: Sent, pins: Collection[str]) -> bool:
    """Return whether a text was cut before it had a pin."""
    done = sent.cut
    if done is None:
        return False
    return any(done.text.count(pin) < done.original.count(pin) for pin in pins)
