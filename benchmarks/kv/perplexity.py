"""Perplexity of a book under a cap, by position: all policies, the full cache, truncation.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.kv.perplexity --data DIR --tokens 8000

The text is read in blocks, each token judged by what is cached: eviction acts before each block,
not before each token as when text is written. Caches in q8_0 and q4_0 have as many cells as take
the bytes of ``cap`` cells in f16. "truncation" is what applications do without eviction: whenever
the cap is reached, the older half of the text is forgotten and the newer one read again, from
nothing. "window, no sinks" keeps the last tokens and nothing else. The full cache is there where
the text is no longer than the model was trained for.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.kv.common import (
    Job,
    Variant,
    book,
    bundle_of,
    chosen,
    importance,
    judged,
    losses,
    parser,
    policies,
    setting,
    weights,
    work_off,
)
from benchmarks.kv.perplexity_tables import BUCKET, write
from benchmarks.kv.tasks import body
from numpy.typing import NDArray

from edgelingua import LlamaModel
from edgelingua.kv.options import CacheOptions, CacheType
from edgelingua.kv.policies import Streaming
from edgelingua.models import registry
from edgelingua.system.measure import peak_rss_mb


def main() -> None:
    """Measure what the file does not have yet."""
    options = parser(__doc__, "perplexity")
    options.add_argument("--book", default="pride_and_prejudice")
    options.add_argument("--tokens", type=int, default=8000)
    options.add_argument("--caps", type=int, nargs="+", default=[256, 512, 1024])
    options.add_argument("--names", nargs="+", help="only these variants")
    options.add_argument("--block", type=int, default=32, help="tokens read at once")
    arguments = options.parse_args()
    if not arguments.tables:
        reader = LlamaModel(registry.find_reader(arguments.reader), threads=arguments.threads)
        work_off(jobs(reader, arguments), arguments, setting(reader, bundle_of(arguments)))
    if not arguments.shard:
        write(arguments.results)


@dataclass(frozen=True)
class Reading:
    """A text in tokens, and what the compressor makes of them."""

    reader: LlamaModel
    bundle: Path
    text: str
    length: int

    @cached_property
    def tokens(self) -> NDArray[np.int32]:
        """The first ``length`` tokens."""
        return self.reader.tokenize(self.text, begin=True)[: self.length]

    @cached_property
    def importance(self) -> NDArray[np.float32]:
        """Their importance; the token that begins a text has none."""
        found = importance(self.reader, self.bundle, self.text)
        opening = len(self.reader.tokenize("", begin=True))
        return np.concatenate([np.full(opening, np.nan, np.float32), found])[: self.length]


def jobs(reader: LlamaModel, arguments: argparse.Namespace) -> Iterator[Job]:
    """All rows, cap by cap."""
    text, bundle = body(book(arguments.data, arguments.book)), bundle_of(arguments)
    reading = Reading(reader, bundle, text[: 8 * arguments.tokens], arguments.tokens)
    for variant in chosen(variants(reader, arguments.caps, len(reading.tokens)), arguments.names):
        key = {
            **weights(reader, bundle if variant.compresses else None),
            "book": arguments.book,
            "tokens": len(reading.tokens),
            "block": arguments.block,
            "name": variant.name,
            "cap": variant.cap,
        }
        yield key, partial(measure, reading, variant, arguments.block)


def variants(reader: LlamaModel, caps: list[int], length: int) -> list[Variant]:
    """The full cache, and all that live under the caps."""
    made = []
    if length <= reader.trained_length:
        made.append(Variant("full cache", 0, Streaming()))
    for cap in caps:
        made += policies(cap)
        made.append(Variant("truncation", cap, Streaming()))
        made.append(Variant("window, no sinks", cap, Streaming(sinks=0)))
        kinds: tuple[CacheType, ...] = ("q8_0", "q4_0")
        for kind in kinds:
            cache = CacheOptions(keys=kind, values=kind)
            made.append(Variant(f"streaming {kind}, equal bytes", cap, Streaming(), cache))
    return made


def measure(reading: Reading, variant: Variant, block: int) -> dict[str, Any]:
    """Read a text block by block; sum the losses per bucket of positions."""
    reader, tokens = reading.reader, reading.tokens
    hints = np.full(len(tokens), np.nan, dtype=np.float32)
    if variant.compresses:
        hints = reading.importance
    cap = variant.cells(reader) or len(tokens)
    # No more memory for logits than a block needs.
    cache = replace(variant.cache, chunk=min(variant.cache.chunk, max(block, 64)))
    session = reader.session(cap, variant.policy, cache=cache)
    paid = np.zeros(len(tokens) - 1)
    again = 0
    started = time.perf_counter()
    for at in range(0, len(paid), block):
        read = tokens[at : min(at + block, len(paid))]
        if variant.name == "truncation" and session.statistics.used + len(read) > cap:
            half = tokens[max(0, at - cap // 2) : at]
            session = reader.session(cap, variant.policy, cache=cache)
            session.feed(half)
            again += len(half)
        logits = judged(session, read, hints[at : at + len(read)])
        paid[at : at + len(read)] = losses(logits, tokens[at + 1 : at + 1 + len(read)])
    seconds = time.perf_counter() - started
    buckets = [paid[start : start + BUCKET] for start in range(0, len(paid), BUCKET)]
    return {
        "cells": cap,
        "peak_cells": session.statistics.peak,
        "perplexity": round(float(np.exp(paid.mean())), 3),
        "nats": [round(float(bucket.sum()), 3) for bucket in buckets],
        "read_again": again,
        "tokens_per_second": round(len(paid) / seconds, 1),
        "peak_rss_mb": peak_rss_mb(),
    }


if __name__ == "__main__":
    main()
