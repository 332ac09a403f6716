"""Processes that compress rows; results come in the order of the rows, however many there are."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

from edgelingua.corpus.recipe import Recipe, RowCompressor
from edgelingua.corpus.rows import Result, Row

_AHEAD = 3
"""Batches for each worker that are read before their time comes."""
_DIED = "the process that compressed this was killed or crashed, twice"

Batch = Sequence[Row]


def results(batches: Iterable[Batch], recipe: Recipe, workers: int) -> Iterator[list[Result]]:
    """Yield the results of each batch.

    One worker is this process. Should one of several die, what it and the others were at is done
    again, a row at a time, and a row with which one dies again has an error as its result.

    Raises
    ------
    EdgeLinguaError
        As `RowCompressor`.
    """
    compress = RowCompressor(recipe)
    if workers == 1:
        yield from (_of_batch(compress, batch) for batch in batches)
        return
    del compress  # it loads: so will those of the workers
    pool = _pool(recipe, workers)
    waiting: deque[tuple[Batch, Future[list[Result]]]] = deque()
    left = iter(batches)
    try:
        while True:
            for batch in islice(left, _AHEAD * workers - len(waiting)):
                waiting.append((batch, _submitted(pool, batch)))
            if not waiting:
                return
            try:
                found = waiting[0][1].result()
            except BrokenProcessPool:
                pool.shutdown()
                yield from _one_by_one([batch for batch, _ in waiting], recipe)
                waiting.clear()
                pool = _pool(recipe, workers)
            else:
                waiting.popleft()
                yield found
    except BaseException:
        for process in (pool._processes or {}).values():  # a batch may take long
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _pool(recipe: Recipe, workers: int) -> ProcessPoolExecutor:
    # Started anew, not forked: what onnxruntime's threads hold is not there in a fork.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, _begin, (recipe,))


def _submitted(pool: ProcessPoolExecutor, batch: Batch) -> Future[list[Result]]:
    try:
        return pool.submit(_work, batch)
    except BrokenProcessPool as error:  # noticed here first
        future: Future[list[Result]] = Future()
        future.set_exception(error)
        return future


def _one_by_one(batches: Iterable[Batch], recipe: Recipe) -> Iterator[list[Result]]:
    """Compress rows where one of them may end the process: it alone fails."""
    pool: ProcessPoolExecutor | None = None
    for batch in batches:
        found = []
        for row in batch:
            pool = pool or _pool(recipe, 1)
            try:
                found += pool.submit(_work, [row]).result()
            except BrokenProcessPool:
                pool.shutdown()
                pool = None
                found.append(Result(error=_DIED))
        yield found
    if pool:
        pool.shutdown()


_compress: RowCompressor
"""That of a worker, which has no other."""


def _begin(recipe: Recipe) -> None:
    """Begin a worker: loaded once, ended by nothing but the process that started it."""
    global _compress  # noqa: PLW0603
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; one of them leaves in order
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    warnings.simplefilter("ignore")  # the process that started it has said so
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _compress = RowCompressor(recipe)


def _end_with_parent() -> None:
    """End this worker when its parent is killed: nothing else would tell it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(batch: Batch) -> list[Result]:
    return _of_batch(_compress, batch)


def _of_batch(compress: RowCompressor, batch: Batch) -> list[Result]:
    return [
        Result(error=row.error) if row.error else compress(row.text, row.question) for row in batch
    ]
