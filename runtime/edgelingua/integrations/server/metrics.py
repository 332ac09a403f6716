"""What a server counts, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from edgelingua.system.measure import rss_mb

if TYPE_CHECKING:
    from edgelingua.integrations.server.laid import Laid
    from edgelingua.integrations.server.written import Finish

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Counters:
    """What every server counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "edgelingua_requests",
            "Requests by path and HTTP status",
            ["path", "status"],
            registry=self.registry,
        )
        self.first_token = Histogram(
            "edgelingua_first_token_seconds",
            "From a request to the first piece of its answer",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.clients = self._gauge("clients", "Requests being served or waiting")
        self._memory = self._gauge("resident_megabytes", "Memory of this process, 10^6 bytes")

    def page(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        self._memory.set(rss_mb() or float("nan"))
        return generate_latest(self.registry)

    def _counter(self, name: str, help_text: str) -> Counter:
        return Counter(f"edgelingua_{name}", help_text, registry=self.registry)

    def _gauge(self, name: str, help_text: str) -> Gauge:
        return Gauge(f"edgelingua_{name}", help_text, registry=self.registry)


class Metrics(Counters):
    """Counters of a server with a reader of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._before = self._counter("tokens_before", "Tokens of prompts as they came")
        self._read = self._counter("tokens_read", "Tokens of prompts as they were laid out")
        self._cached = self._counter("tokens_cached", "Tokens of prompts found in a cache")
        self._written = self._counter("tokens_written", "Tokens of answers")
        self._evicted = self._counter("tokens_evicted", "Cached tokens that gave way to others")
        self.sessions = self._gauge("sessions", "Sessions kept")

    def answered(self, laid: Laid, finishes: Sequence[Finish]) -> None:
        """Count the answers to a request."""
        self._before.inc(laid.before)
        self._read.inc(len(laid.tokens))
        self._cached.inc(finishes[0].cached)
        self._written.inc(sum(finish.written for finish in finishes))
        self._evicted.inc(sum(finish.evicted for finish in finishes))
