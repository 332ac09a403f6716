"""A loaded compressor may be used by several threads at a time, whatever its method."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from edgelingua.budget import Budget
from edgelingua.bundle.manifest import Task
from edgelingua.compressors import METHODS, load_compressor
from edgelingua.prompt import Prompt
from tests.conftest import DOCUMENT

THREADS = 4
ROUNDS = 2


@pytest.mark.long
@pytest.mark.parametrize("method", METHODS)
def test_threads_get_what_one_thread_gets(
    method: str, bundles: dict[Task | None, Path | None]
) -> None:
    compressor = load_compressor(method, bundles[METHODS[method].task])
    document = DOCUMENT.read_text(encoding="utf-8")
    # Texts of different lengths, so that a result that belongs to another thread is seen.
    prompts = [
        Prompt.build(
            [document[at : at + 700 + 40 * index], document[at + 1000 : at + 1400]],
            question=f"What happened in case {index}?",
        )
        for index, at in enumerate(range(0, 12_000, 1_500))
    ]
    budget = Budget(rate=0.5)
    alone = [compressor.compress(prompt, budget) for prompt in prompts]
    assert len({compressed.text for compressed in alone}) == len(prompts)
    start = Barrier(THREADS)

    def work(first: int) -> list[tuple[int, str, list[float]]]:
        start.wait()
        # Every thread begins with another prompt.
        order = [(first + step) % len(prompts) for step in range(len(prompts))] * ROUNDS
        results = [(index, compressor.compress(prompts[index], budget)) for index in order]
        return [(index, c.text, c.scores.tolist()) for index, c in results]

    with ThreadPoolExecutor(THREADS) as pool:
        together = [result for done in pool.map(work, range(THREADS)) for result in done]
    assert len(together) == THREADS * ROUNDS * len(prompts)
    for index, text, scores in together:
        assert text == alone[index].text
        assert scores == pytest.approx(alone[index].scores.tolist(), abs=1e-4, nan_ok=True)
