"""One compressor in many threads and tasks: each gets what it would get alone."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from edgelingua.budget import Budget
from edgelingua.bundle.manifest import Task
from edgelingua.compressed import Compressed
from edgelingua.compressors import METHODS, Pruner, load_compressor
from edgelingua.prompt import Prompt
from tests.conftest import DOCUMENT

THREADS = 4


@pytest.fixture(scope="module", params=METHODS)
def compressor(request: pytest.FixtureRequest, bundles: dict[Task | None, Path | None]) -> Pruner:
    return load_compressor(request.param, bundles[METHODS[request.param].task])


@pytest.fixture(scope="module")
def asked() -> list[tuple[Prompt, Budget]]:
    """Prompts of several lengths and kinds, with questions, and budgets of both kinds."""
    text = DOCUMENT.read_text(encoding="utf-8")
    log = "".join(f"06:{n}:11 INFO rows={n * 37} flushed\n" for n in range(10, 25))
    return [
        (Prompt.build(text[:900], question="Who arbitrated?"), Budget(rate=0.3)),
        (Prompt.build([text[900:1500], log], question="How many rows?"), Budget(tokens=60)),
        (Prompt.build(log, question="What was flushed?", structure="off"), Budget(rate=0.5)),
        (Prompt.build(text[3000:3400], question="How much?"), Budget(rate=0.9)),
    ]


def same(one: Compressed, other: Compressed) -> bool:
    return (
        one.text == other.text
        and one.tokens_out == other.tokens_out
        and np.array_equal(one.scores, other.scores, equal_nan=True)
    )


def test_threads_do_not_see_each_other(
    compressor: Pruner, asked: list[tuple[Prompt, Budget]]
) -> None:
    alone = [compressor.compress(*one) for one in asked]
    gate = threading.Barrier(THREADS)

    def beside(number: int) -> list[Compressed]:
        gate.wait()
        turned = asked[number:] + asked[:number]  # each thread begins with another
        return [compressor.compress(*one) for one in turned]

    with ThreadPoolExecutor(THREADS) as pool:
        for number, done in enumerate(pool.map(beside, range(THREADS))):
            expected = alone[number:] + alone[:number]
            assert all(map(same, done, expected))


def test_tasks_wait_for_the_same(asked: list[tuple[Prompt, Budget]]) -> None:
    compressor = load_compressor("bm25")

    async def together() -> list[Compressed]:
        return await asyncio.gather(*(compressor.acompress(*one) for one in asked))

    alone = [compressor.compress(*one) for one in asked]
    assert all(map(same, asyncio.run(together()), alone))


def test_a_cancelled_task_ends_the_work(bundles: dict[Task | None, Path | None]) -> None:
    compressor = load_compressor("llmlingua2", bundles["classifier"])
    started, cancelled = threading.Event(), threading.Event()
    steps: list[int] = []

    def progress(done: int, total: int) -> None:
        steps.append(done)
        started.set()
        cancelled.wait()

    async def cancel() -> None:
        prompt = Prompt.build(DOCUMENT.read_text(encoding="utf-8"))
        task = asyncio.create_task(compressor.acompress(prompt, Budget(rate=0.3), progress))
        await asyncio.to_thread(started.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        cancelled.set()

    asyncio.run(cancel())  # waits for the thread
    assert len(steps) == 1, "of many"
