"""What each policy costs: tokens/s of reading and writing, and an eviction, in interleaved rounds.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.kv.overhead --data DIR

Every round runs all policies one after another, so that drift hits all alike; all evict blocks of
the same size, those too that need no signal and would evict token by token. "without the hook" is
`streaming` with flash attention off, as `h2o` needs it: the difference to `h2o` is the hook alone.
Writing starts from a full cache. An eviction's milliseconds, apart for reading and for writing, are
those of getting the signals out of the cache, scoring and removing; a hook's cost shows in tokens/s
only. Time it on a machine that does nothing else, without shards.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from benchmarks.kv.common import (
    Job,
    Variant,
    book,
    chosen,
    parser,
    setting,
    weights,
    work_off,
)
from benchmarks.kv.log import Row, read_rows
from benchmarks.kv.tasks import body
from numpy.typing import NDArray

from edgelingua import LlamaModel, Sampling
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import DEFAULT_POLICY, POLICIES, Phrased, SnapKV, Streaming
from edgelingua.kv.session import Session
from edgelingua.models import registry


def main() -> None:
    """Measure the rounds that the file does not have yet."""
    options = parser(__doc__, "overhead")
    options.add_argument("--book", default="sherlock_holmes")
    options.add_argument("--cap", type=int, default=512)
    options.add_argument("--read", type=int, default=1500, help="tokens read in a round")
    options.add_argument("--write", type=int, default=300, help="tokens written in a round")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--block", type=int, default=64, help="tokens evicted at a time")
    options.add_argument("--names", nargs="+", help="only these variants")
    arguments = options.parse_args()
    if not arguments.tables:
        reader = LlamaModel(registry.find_reader(arguments.reader), threads=arguments.threads)
        work_off(jobs(reader, arguments), arguments, setting(reader))
    rows = read_rows(arguments.results)
    arguments.results.with_suffix(".md").write_text(table(rows), encoding="utf-8")


def jobs(reader: LlamaModel, arguments: argparse.Namespace) -> Iterator[Job]:
    """All rows, round by round."""
    text = body(book(arguments.data, arguments.book))
    tokens = reader.tokenize(text[: 8 * arguments.read], begin=True)[: arguments.read]
    for number in range(arguments.rounds):
        for variant in chosen(variants(arguments.cap), arguments.names):
            key = {
                **weights(reader),
                "book": arguments.book,
                "round": number,
                "name": variant.name,
                "cap": variant.cap,
                "block": arguments.block,
                "read": len(tokens),
                "write": arguments.write,
            }
            yield key, partial(measure, reader, tokens, variant, key)


def variants(cap: int) -> list[Variant]:
    """All policies, the default one, a hook by phrases, and what `h2o`'s hook is compared with."""
    plain = CacheOptions(flash_attention=False)
    return [
        *(Variant(name, cap, info.make()) for name, info in POLICIES.items()),
        Variant("knorm, phrases, window", cap, DEFAULT_POLICY),
        Variant("snapkv, phrases", cap, Phrased(SnapKV())),
        Variant("h2o, without the hook", cap, Streaming(), plain),
    ]


class Clock:
    """Seconds spent in a session's evictions, and how many there were, since it was last read.

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

    def read(self, name: str) -> Row:
        """Return evictions and milliseconds of each, and begin anew."""
        each = 1000 * self.seconds / max(1, self.evictions)
        found = {f"{name}_evictions": self.evictions, f"{name}_eviction_ms": round(each, 3)}
        self.seconds, self.evictions = 0.0, 0
        return found

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


def measure(reader: LlamaModel, tokens: NDArray[np.int32], variant: Variant, options: Row) -> Row:
    """Tokens/s of reading a text beyond the cap and of writing on, both with evictions."""
    session = reader.session(
        variant.cap, variant.policy, cache=variant.cache, block=options["block"]
    )
    clock = Clock(session)
    started = time.perf_counter()
    session.feed(tokens)
    read = time.perf_counter()
    reading = clock.read("read")
    sampler = reader.sampler(session, Sampling(temperature=1.0))
    for _ in session.generate(sampler, options["write"], frozenset()):
        pass
    written = time.perf_counter()
    return {
        "read_per_s": round(len(tokens) / (read - started), 2),
        "write_per_s": round(options["write"] / (written - read), 2),
        **reading,
        **clock.read("write"),
    }


def table(rows: list[Row]) -> str:
    """Medians, and their share of the speed of ``streaming`` in the same round."""
    if not rows:
        return ""
    out = [
        "| policy | rounds | read, tokens/s | of streaming's | ms an eviction "
        "| write, tokens/s | of streaming's | ms an eviction |",
        "|---|---|---|---|---|---|---|---|",
    ]
    base = {row["round"]: row for row in rows if row["name"] == "streaming"}
    for name in dict.fromkeys(row["name"] for row in rows):
        mine = [row for row in rows if row["name"] == name and row["round"] in base]
        cells = [str(len(mine))]
        for kind in ("read", "write"):
            shares = [row[f"{kind}_per_s"] / base[row["round"]][f"{kind}_per_s"] for row in mine]
            cells += [
                f"{median(row[f'{kind}_per_s'] for row in mine):.0f}",
                f"{median(shares):.0%}",
                f"{median(row[f'{kind}_eviction_ms'] for row in mine):.1f}",
            ]
        out.append("| " + " | ".join([name, *cells]) + " |")
    told = f"Medians of interleaved rounds; cap {rows[0]['cap']}, "
    return "\n".join([*out, "", f"{told}{rows[0]['block']} tokens evicted at a time."]) + "\n"


if __name__ == "__main__":
    main()
