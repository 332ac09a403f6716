"""What each policy costs: tokens/s of reading and writing, and an eviction, in interleaved rounds.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.kv.overhead --data DIR

Every round runs all policies one after another, so that drift hits all alike. "h2o's cache without
a hook" is `streaming` with flash attention off: the difference to `h2o` is the hook alone. Writing
starts from a full cache. An eviction's milliseconds are those of reading the signals, scoring and
removing; a hook's cost shows in tokens/s only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from benchmarks.kv.common import Log, Variant, book, parser, policies, read_rows, setting
from benchmarks.kv.tasks import body
from numpy.typing import NDArray

from edgelingua import LlamaModel, Sampling, models
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import Chunked, KNorm, SnapKV, Streaming
from edgelingua.kv.session import Session


def main() -> None:
    """Measure the rounds that the file does not have yet."""
    options = parser(__doc__, "overhead")
    options.add_argument("--book", default="sherlock_holmes")
    options.add_argument("--cap", type=int, default=512)
    options.add_argument("--read", type=int, default=1500, help="tokens read in a round")
    options.add_argument("--write", type=int, default=300, help="tokens written in a round")
    options.add_argument("--rounds", type=int, default=5)
    arguments = options.parse_args()
    if not arguments.tables:
        reader = LlamaModel(models.find_reader(arguments.reader), threads=arguments.threads)
        log = Log(arguments.results, setting(reader))
        text = body(book(arguments.data, arguments.book))
        tokens = reader.tokenize(text[: 8 * arguments.read], begin=True)[: arguments.read]
        for number in range(arguments.rounds):
            for variant in variants(arguments.cap):
                key = {
                    "round": number,
                    "name": variant.name,
                    "cap": variant.cap,
                    "read": len(tokens),
                    "write": arguments.write,
                }
                if not log.has(**key):
                    log.add({**key, **measure(reader, tokens, variant, arguments.write)})
    rows = read_rows(arguments.results)
    arguments.results.with_suffix(".md").write_text(table(rows), encoding="utf-8")


def variants(cap: int) -> list[Variant]:
    """All policies, two of them by chunks, and what a hook is compared with."""
    plain = CacheOptions(flash_attention=False)
    return [
        *policies(cap),
        Variant("knorm, chunks", cap, Chunked(KNorm())),
        Variant("snapkv, chunks", cap, Chunked(SnapKV())),
        Variant("h2o's cache without a hook", cap, Streaming(), plain),
    ]


class Clock:
    """Seconds spent in a session's evictions, and how many there were.

    Wraps methods of the objects it is given: states of the cache are read, cells scored and
    removed nowhere else.
    """

    def __init__(self, session: Session) -> None:
        self.seconds = 0.0
        self.evictions = 0
        engine: Any = session.engine
        engine.states = self._timed(engine.states)
        engine.remove = self._timed(engine.remove)
        session.policy = _Timed(session.policy, self)

    def _timed(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            started = time.perf_counter()
            try:
                return method(*arguments)
            finally:
                self.seconds += time.perf_counter() - started

        return called


class _Timed:
    """A policy whose scoring is timed."""

    def __init__(self, policy: Any, clock: Clock) -> None:
        self._policy, self._clock = policy, clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._policy, name)

    def scores(self, cells: Any) -> NDArray[np.float64]:
        self._clock.evictions += 1
        started = time.perf_counter()
        scores: NDArray[np.float64] = self._policy.scores(cells)
        self._clock.seconds += time.perf_counter() - started
        return scores


def measure(
    reader: LlamaModel, tokens: NDArray[np.int32], variant: Variant, write: int
) -> dict[str, float]:
    """Tokens/s of reading a text beyond the cap and of writing on, both with evictions."""
    session = reader.session(variant.cap, variant.policy, cache=variant.cache)
    clock = Clock(session)
    started = time.perf_counter()
    session.feed(tokens)
    read = time.perf_counter()
    sampler = reader.sampler(session, Sampling(temperature=1.0))
    for _ in session.generate(sampler, write, frozenset()):
        pass
    written = time.perf_counter()
    return {
        "read_per_s": round(len(tokens) / (read - started), 2),
        "write_per_s": round(write / (written - read), 2),
        "evicted": session.statistics.evicted,
        "evictions": clock.evictions,
        "eviction_ms": round(1000 * clock.seconds / max(1, clock.evictions), 3),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Medians, and their share of the speed of ``streaming`` in the same round."""
    out = [
        "| policy | read, tokens/s | write, tokens/s | of streaming's | an eviction |",
        "|---|---|---|---|---|",
    ]
    base = {row["round"]: row for row in rows if row["name"] == "streaming"}
    for name in dict.fromkeys(row["name"] for row in rows):
        mine = [row for row in rows if row["name"] == name]
        keys = ("read_per_s", "write_per_s")
        shares = [
            f"{median(row[key] / base[row['round']][key] for row in mine):.0%}" for key in keys
        ]
        speeds = [f"{median(row[key] for row in mine):.0f}" for key in keys]
        evicting = f"{median(row['eviction_ms'] for row in mine):.1f} ms"
        out.append("| " + " | ".join([name, *speeds, " / ".join(shares), evicting]) + " |")
    rounds = len(base)
    return "\n".join([*out, "", f"Medians of {rounds} interleaved rounds."]) + "\n"


if __name__ == "__main__":
    main()
