"""What a proxy counts."""

from __future__ import annotations

from edgelingua.integrations.proxy.squeezed import Squeezed
from edgelingua.integrations.server.metrics import Counters


class ProxyMetrics(Counters):
    """Counters of one proxy; the first token is the first byte of an answer."""

    def __init__(self) -> None:
        super().__init__()
        self._before = self._counter("tokens_before", "Tokens of messages as they came")
        self._after = self._counter("tokens_after", "Tokens of messages as they were passed on")
        self._texts = self._counter("texts_compressed", "Texts passed on shortened")
        self._failed = self._counter("compressions_failed", "Texts passed on as they came for it")

    def passed(self, squeezed: Squeezed) -> None:
        """Count a request."""
        self._before.inc(squeezed.before)
        self._after.inc(squeezed.after)
        self._texts.inc(len(squeezed.changes))
        self._failed.inc(squeezed.failed)
