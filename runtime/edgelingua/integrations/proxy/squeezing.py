"""A request squeezed: what was sent before is sent again, what is new is cut once and for all."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from edgelingua.compressors import Compressor
from edgelingua.errors import CancelledError
from edgelingua.integrations.proxy.cut import Sent, tokens_of
from edgelingua.integrations.proxy.options import ProxyOptions
from edgelingua.integrations.proxy.squeezed import Change, Entry, Squeezed
from edgelingua.integrations.proxy.state import State
from edgelingua.integrations.server.logs import failure, log
from edgelingua.integrations.server.patience import Patience
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.worker import Worker

_AT_ONCE = 20_000
"""Characters that are counted where requests come in; more than that is work for the worker."""


class Squeezer:
    """Squeezes requests.

    Parameters
    ----------
    compressor, state
        What cuts, and what knows what was sent before.
    options
        How the proxy behaves.
    """

    def __init__(self, compressor: Compressor, state: State, options: ProxyOptions) -> None:
        self.compressor = compressor
        self.state = state
        self.options = options
        self.worker = Worker(options.waiting)

    async def squeeze(self, entries: Sequence[Entry], pins: Sequence[str] = ()) -> Squeezed:
        """Put into a request what is to be sent.

        Parameters
        ----------
        entries
            Its texts.
        pins
            What has to be in them, also in what was sent before.

        Raises
        ------
        ApiError
            The compressor failed, and the operator wants no request to pass then.
        """
        sent, failed = await self._sent(entries, pins)
        changes = []
        for entry in entries:
            if found := sent[entry.mark].cut:
                entry.put(found.text)
                one = sent[entry.mark]
                changes.append(Change(entry.message, one.before, one.after, found.id))
        before, after = (sum(getattr(s, n) for s in sent.values()) for n in ("before", "after"))
        return Squeezed(before, after, tuple(changes), failed)

    async def _sent(
        self, entries: Sequence[Entry], pins: Sequence[str]
    ) -> tuple[dict[bytes, Sent], int]:
        known = self.state.known([entry.mark for entry in entries])
        lost = {mark for mark, sent in known.items() if _lost(sent, pins)}
        new = [entry for entry in entries if entry.mark not in known or entry.mark in lost]
        patience = Patience(self.options.compress_seconds)

        def job(*, cutting: bool = True) -> tuple[dict[bytes, Sent], int]:
            # Somebody else may have sent the same while this waited.
            there = self.state.known([e.mark for e in new if e.mark not in lost])
            left = [entry for entry in new if entry.mark not in there]
            made: dict[bytes, Sent] = {}
            try:
                failed = self._make(left, patience if cutting else None, made)
            finally:  # a client that has gone, and asks again, finds what was done
                again = known.keys() - lost
                kept = self.state.keep(made, again, anew=bool(lost)) if made else {}
            return there | kept, failed

        heavy = any(map(self._cuts, new)) or sum(len(e.text) for e in new) > _AT_ONCE
        if not heavy:
            made, failed = job()
        else:
            try:
                with self.worker.admitted():
                    made, failed = await self.worker.call(job, patience)
            except ApiError as error:
                if self.options.on_failure == "closed" or error.status != 429:
                    raise
                made, failed = job(cutting=False)
        return known | made, failed

    def _cuts(self, entry: Entry) -> bool:
        """Return whether a text may be cut; its characters are no fewer than its tokens."""
        return entry.make is not None and len(entry.text) > self.options.keep_up_to

    def _make(
        self, new: Sequence[Entry], patience: Patience | None, made: dict[bytes, Sent]
    ) -> int:
        """Cut what may be cut, or nothing without ``patience``; return how often that failed."""
        failed = 0
        for entry in new:
            tokens = tokens_of(self.compressor, entry.text)
            sent: Sent | None = None
            if entry.make is not None and tokens > self.options.keep_up_to:
                try:
                    if patience is None:
                        raise _waiting()
                    patience.check()
                    sent = entry.make(patience.check)
                except CancelledError:
                    raise
                except Exception as error:
                    # Whatever it is, what stands behind this proxy can still be asked.
                    if not failed:  # one line tells of all, and the first ends it if none may pass
                        self.refuse(error)
                    failed += 1
            made[entry.mark] = sent or entry.plain() or Sent(tokens, tokens)
        return failed

    def refuse(self, error: Exception) -> None:
        """Log a failure, and raise `ApiError` where no request is to pass then."""
        log("compression failed", failure(error))
        if self.options.on_failure == "closed":
            raise ApiError(
                "The request could not be compressed, and this proxy passes none on that is not "
                "(--on-failure closed); its log says why.",
                status=502,
                code="compression_failed",
            ) from error


def _waiting() -> ApiError:
    return ApiError("Too many wait for the compressor.", status=429)


def _lost(sent: Sent, pins: Collection[str]) -> bool:
    """Return whether a text was cut before it had a pin."""
    done = sent.cut
    if done is None:
        return False
    return any(done.text.count(pin) < done.original.count(pin) for pin in pins)
