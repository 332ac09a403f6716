"""Documents that are compressed together, and those that cannot be."""

from __future__ import annotations

import asyncio
import logging
import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua.compressors import Compressor, load_compressor
from edgelingua.errors import BudgetError, CancelledError, InputError
from edgelingua.integrations.documents import DocumentCompressor, Documents

from .conftest import ANSWER, QUESTION


def check(texts: list[str | None], done: Documents) -> None:
    """Check that what is kept is made of slices of what came, in its order."""
    assert [kept.index for kept in done.kept] == sorted({kept.index for kept in done.kept})
    for kept in done.kept:
        text = texts[kept.index]
        if text is None:
            assert kept.text is None
        else:
            slices = "".join(text[start:end] for start, end in kept.spans)
            assert (kept.text or "").split() == slices.split()  # a blank may be a line break


def test_who_answers_keeps_most(compressor: Compressor, parts: list[str]) -> None:
    done = DocumentCompressor(compressor, tokens=100).compress(parts, QUESTION)
    check([*parts], done)
    most = max(done.kept, key=lambda kept: len(kept.text or ""))
    assert ANSWER in (most.text or "")
    assert done.tokens_out <= 100 < done.tokens_in


@settings(max_examples=30)
@given(
    st.lists(st.none() | st.text(max_size=40) | st.sampled_from(["\0", "a\ud800", " ", "No."])),
    st.floats(0.1, 1),
)
def test_what_is_kept_is_slices_of_what_came(texts: list[str | None], rate: float) -> None:
    done = DocumentCompressor(load_compressor("truncate"), rate=rate).compress(texts)
    check(texts, done)
    for kept in done.kept:
        whole = kept.text == texts[kept.index]
        assert whole or kept.error is None
    for index, text in enumerate(texts):
        if not (text or "").strip() or "\0" in (text or ""):
            assert index in {kept.index for kept in done.kept}, "blank or unreadable, and gone"


def test_one_that_fails_is_named_and_the_others_go_on(
    compressor: Compressor, parts: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    texts = [*parts[:2], "PK\x03\x04\0\0", None, "", *parts[2:]]
    names = [f"page-{number}" for number in range(len(texts))]
    with caplog.at_level(logging.WARNING, "edgelingua"):
        done = DocumentCompressor(compressor, rate=0.3).compress(texts, QUESTION, names=names)
    failed = {kept.index: kept for kept in done.kept}[2]
    assert failed.error
    assert failed.error.startswith("document 3 of 7 (page-2): binary input")
    assert failed.text == texts[2]
    assert failed.metadata == {"edgelingua_spans": [[0, 6]], "edgelingua_error": failed.error}
    assert caplog.messages == [f"passed on as it came: {failed.error}"]
    assert any(ANSWER in (kept.text or "") for kept in done.kept)
    with pytest.raises(InputError, match=r"document 3 of 7 \(page-2\)"):
        DocumentCompressor(compressor, on_failure="closed").compress(texts, names=names)


def test_what_is_no_text_is_named_too(compressor: Compressor) -> None:
    with pytest.raises(InputError, match="document 1 of 1: expected a text, got a bytes of 3"):
        DocumentCompressor(compressor, on_failure="closed").compress([b"abc"])  # type: ignore[list-item]
    done = DocumentCompressor(compressor).compress([5, "One. Two. Three."])  # type: ignore[list-item]
    assert done.kept[0].error == "document 1 of 2: expected a text, got 5"
    assert done.kept[0].spans == ()
    assert done.kept[1].text


def test_a_pin_may_stand_nowhere_and_stays_where_it_stands(
    compressor: Compressor, parts: list[str]
) -> None:
    pinned = DocumentCompressor(compressor, rate=0.2, pin=["Geneva", "XK-4471"])
    done = pinned.compress(parts, QUESTION)
    kept = "".join(one.text or "" for one in done.kept)
    assert kept.count("Geneva") == "".join(parts).count("Geneva") > 0


@pytest.mark.parametrize("wrong", [{"rate": 0.0}, {"tokens": 0}, {"rate": 0.5, "tokens": 5}])
def test_a_wrong_budget_is_refused_at_once(compressor: Compressor, wrong: dict[str, float]) -> None:
    with pytest.raises(BudgetError):
        DocumentCompressor(compressor, **wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="on_failure: expected open or closed, got 'maybe'"):
        DocumentCompressor(compressor, on_failure="maybe")  # type: ignore[arg-type]


def test_a_thousand_small_documents_are_one_prompt(parts: list[str]) -> None:
    words = " ".join(parts).split()
    pick = random.Random(0)
    texts: list[str | None] = [" ".join(pick.choices(words, k=12)) for _ in range(1000)]
    texts[417] = "How much did the tribunal award? Fifteen million dollars."
    done = DocumentCompressor(load_compressor("bm25"), tokens=300).compress(texts, QUESTION)
    check(texts, done)
    assert done.tokens_out <= 300
    assert "tribunal award" in (next(k for k in done.kept if k.index == 417).text or "")


def test_tasks_get_the_same_and_a_cancelled_one_ends(
    compressor: Compressor, parts: list[str]
) -> None:
    documents = DocumentCompressor(compressor, rate=0.3)

    async def several() -> list[Documents]:
        return await asyncio.gather(*(documents.acompress(parts, QUESTION) for _ in range(4)))

    assert asyncio.run(several()) == [documents.compress(parts, QUESTION)] * 4

    ended = threading.Event()

    class Slow:
        count = staticmethod(compressor.count)

        def compress(self, prompt: object, budget: object, progress: object) -> None:
            try:
                while True:
                    progress(0, 1)  # type: ignore[operator]
                    started.set()
            except CancelledError:
                ended.set()
                raise

    started = threading.Event()

    async def cancelled() -> None:
        slow = DocumentCompressor(Slow(), rate=0.3)  # type: ignore[arg-type]
        task = asyncio.create_task(slow.acompress(parts))
        await asyncio.to_thread(started.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert ended.wait(10)
