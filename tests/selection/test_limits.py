"""Texts and questions that are longer than any model."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgelingua.budget import Budget
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import Task
from edgelingua.compressors import METHODS, load_compressor
from edgelingua.prompt import Prompt
from tests.conftest import DOCUMENT

TEXT = DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize("method", METHODS)
def test_a_question_longer_than_the_model(
    method: str, bundles: dict[Task | None, Path | None], scorer_bundle: ModelBundle
) -> None:
    compressor = load_compressor(method, bundles[METHODS[method].task])
    question = TEXT[5000:9000] + "?"
    count = scorer_bundle.tokenizer().count
    assert count(question) > scorer_bundle.manifest.tokens.max_length
    prompt = Prompt.build([TEXT[:1200], TEXT[1200:2400]], question=question)
    compressed = compressor.compress(prompt, Budget(rate=0.8, count=count))
    assert compressed.text.endswith("\n\n" + question)
    assert 0.7 < compressed.rate <= 0.8  # whole sentences leave more


@pytest.mark.long
@pytest.mark.parametrize("method", ["llmlingua2", "selective_context", "truncate"])
def test_a_document_of_200_000_tokens(
    method: str, bundles: dict[Task | None, Path | None], bert_bundle: ModelBundle
) -> None:
    """Progress is reported all the way, and memory does not grow with every token's logits."""
    compressor = load_compressor(method, bundles[METHODS[method].task])
    count = bert_bundle.tokenizer().count
    text = TEXT * (200_000 // count(TEXT) + 1)
    seen: list[tuple[int, int]] = []
    prompt = Prompt.build(text)
    compressed = compressor.compress(
        prompt, Budget(rate=0.1, count=count), lambda done, total: seen.append((done, total))
    )
    assert compressed.tokens_in >= 200_000
    assert 0.0999 < compressed.rate <= 0.1
    if METHODS[method].task:
        assert len(seen) > 50
        assert seen == sorted(seen)
        assert seen[-1][0] == seen[-1][1]
