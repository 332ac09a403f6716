"""What `bench` measures, each in a process of its own, whose memory it then is."""

from __future__ import annotations

import json
import math
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from statistics import median

from edgelingua.budget import Budget
from edgelingua.cli.bench.text import QUESTION, characters
from edgelingua.planner.card import CompressorCost, ReaderCost
from edgelingua.planner.curve import Curve
from edgelingua.prompt import SEPARATOR, Prompt
from edgelingua.system.energy import Meter
from edgelingua.system.measure import peak_rss_mb, rss_mb

PREFIX = "edgelingua measured: "
"""Before what was measured, in JSON on a line."""

SIZES = (200, 1_000, 4_000, 20_000, 80_000)
"""Characters that are compressed; reading is measured at `MARKS` tokens."""
MARKS = (32, 128, 256, 512, 1024, 2048, 4096, 8192)
RATE = 0.2
_REPEATS = 5
_WRITTEN = 12
"""Tokens written at each of `MARKS`."""


class _OverError(Exception):
    """The time is over."""


def compressor(
    bundle: str, method: str, question: bool, reader: str, seconds: float
) -> CompressorCost:
    """Measure a method with a bundle (empty: none), until ``seconds`` are over."""
    from edgelingua.compressors import load_compressor
    from edgelingua.llama.counting import count_of
    from edgelingua.text.counting import ESTIMATE

    started = time.perf_counter()
    count = count_of(Path(reader)) if reader else ESTIMATE
    count(QUESTION)
    before = rss_mb()
    loading = time.perf_counter()
    made = load_compressor(method, bundle or None, count=count)
    loaded = time.perf_counter() - loading

    def compress(size: int) -> Callable[[], object]:
        prompt = Prompt.build(characters(size), question=QUESTION if question else "")
        beside = count(SEPARATOR + QUESTION) if question else 0
        budget = Budget(tokens=beside + math.ceil(RATE * count(characters(size))))
        return lambda: made.compress(prompt, budget)

    compress(SIZES[1])()  # the first run of a graph takes longer
    lengths: list[int] = []
    times: list[float] = []
    meter, working = Meter(), time.perf_counter()
    for size in SIZES:
        left = started + seconds - time.perf_counter()
        if times and times[-1] * size / lengths[-1] > left:
            break
        times.append(_typical(compress(size), left))
        lengths.append(size)
    joules, spent = meter.joules(), time.perf_counter() - working
    peak = peak_rss_mb()
    return CompressorCost(
        bundle=bundle,
        method=method,
        question=question,
        curve=Curve(tuple(lengths), tuple(times)),
        load_seconds=loaded,
        rss_mb=peak,
        added_mb=None if peak is None or before is None else max(0.0, peak - before),
        joules=None if joules is None else joules / spent,
    )


def reader(name: str, path: str, seconds: float) -> ReaderCost:
    """Measure a reader, until about ``seconds`` are over."""
    from edgelingua.assistant import SYSTEM
    from edgelingua.kv.options import CACHE_TYPES, CacheOptions
    from edgelingua.llama.cache_check import TOLERATED, divergence
    from edgelingua.llama.model import LlamaModel

    started = time.perf_counter()
    model = LlamaModel(Path(path))
    loaded = time.perf_counter() - started
    stood: dict[str, int] = {}
    for kind in sorted(CACHE_TYPES):
        cache = CacheOptions(keys=kind, values=kind)
        if kind == "f16" or divergence(model, cache) <= TOLERATED:
            stood[kind] = model.cell_bytes(cache)
    text = characters(SIZES[-1])
    tokens = model.tokenize(text, begin=True)
    most = min(model.trained_length, MARKS[-1])
    session = model.session(most)
    session.feed(tokens[:_WRITTEN])
    meter, working = Meter(), time.perf_counter()
    prefill: dict[int, float] = {0: 0.0}
    decode: list[float] = []
    at = _WRITTEN

    def before_the_end(done: int, total: int) -> None:
        if len(prefill) > 1 and time.perf_counter() > started + seconds:
            raise _OverError

    for before, mark in pairwise((0, *MARKS)):
        left = started + seconds - time.perf_counter()
        # As fast as until now: what is left must do for all up to this mark.
        if mark + _WRITTEN > most or prefill[before] * (mark - at) > left * before > 0:
            break
        begun = time.perf_counter()
        try:
            session.feed(tokens[at:mark], progress=before_the_end)
        except _OverError:
            break
        # Those between the marks that were read as if they were written count like the others.
        read = (time.perf_counter() - begun) * (mark - before) / (mark - at)
        prefill[mark] = prefill[before] + read
        steps = []
        for place in range(mark, mark + _WRITTEN):
            begun = time.perf_counter()
            session.feed(tokens[place : place + 1])
            steps.append(time.perf_counter() - begun)
        decode.append(1 / median(steps))
        at = mark + _WRITTEN
    del prefill[0]
    joules, spent = meter.joules(), time.perf_counter() - working
    peak = peak_rss_mb()
    chat = [("system", SYSTEM), ("user", "")]
    return ReaderCost(
        name=name,
        file=Path(path).name,
        file_mb=Path(path).stat().st_size / 1e6,
        trained_length=model.trained_length,
        prefill=Curve(tuple(prefill), tuple(prefill.values())),
        decode=tuple(decode),
        cell_bytes=stood,
        characters=len(text) / len(tokens),
        template=sum(len(part.tokens) for part in model.chat(chat)),
        load_seconds=loaded,
        base_mb=None if peak is None else peak - session.memory.cache,
        joules=None if joules is None else joules / spent,
    )


def _typical(work: Callable[[], object], limit: float) -> float:
    """Seconds that some work takes: the median of a few times, fewer where ``limit`` is over."""
    times: list[float] = []
    while len(times) < _REPEATS and (not times or sum(times) + times[-1] < limit):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return median(times)


def main(what: str, arguments: str) -> None:
    """Measure, and hand it to the process that asked."""
    warnings.simplefilter("ignore")
    measure: Callable[..., CompressorCost | ReaderCost]
    measure = compressor if what == "compressor" else reader
    cost = measure(*json.loads(arguments))
    print(PREFIX + json.dumps(asdict(cost)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
