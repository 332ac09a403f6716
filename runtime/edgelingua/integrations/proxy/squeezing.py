"""A request squeezed beside others: what takes long waits for the worker, and not for ever."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NoReturn

from edgelingua.compressors import Compressor
from edgelingua.integrations.proxy.judging import Judge, put
from edgelingua.integrations.proxy.options import ProxyOptions
from edgelingua.integrations.proxy.squeezed import Entry, Squeezed
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
        self._judge = Judge(compressor, state, options.keep_up_to, self.refuse)

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
        judge = self._judge
        recalled = judge.recall(entries, pins)
        patience = Patience(self.options.compress_seconds)
        job = partial(judge.judge, recalled, patience.check)
        new = recalled.new
        if not any(map(judge.cuts, new)) and sum(len(e.text) for e in new) <= _AT_ONCE:
            return put(entries, *job())
        try:
            with self.worker.admitted():
                done = await self.worker.call(job, patience)
        except ApiError as error:
            if self.options.on_failure == "closed" or error.status != 429:
                raise
            done = judge.judge(recalled, _wait)
        return put(entries, *done)

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


def _wait(*_: int) -> NoReturn:
    raise ApiError("Too many wait for the compressor.", status=429)
