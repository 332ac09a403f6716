"""Levels, guards, rates of segments, repeated marks, the order of documents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgelingua.budget import Budget
from edgelingua.bundle import ModelBundle
from edgelingua.compressed import Compressed
from edgelingua.compressors import CoarseToFine, DocumentFilter, Rules, TokenPruner, load_compressor
from edgelingua.compressors.random import RandomScorer
from edgelingua.errors import InputError
from edgelingua.phrases import phrases
from edgelingua.prompt import Prompt, Segment
from edgelingua.text import count_words, sentences

from .conftest import DOCUMENT

REPORT = (
    "The committee did not accept the offer of $15,500,000. It was never paid in full. "
    "Nobody at the old harbour office knows why the three ships left without any cargo."
)


def context_texts(compressed: Compressed) -> list[str]:
    parts = zip(compressed.segment_texts(), compressed.prompt.segments, strict=True)
    return [text for text, segment in parts if segment.compressible]


def compress(text: str, rate: float, seed: int = 0, rules: Rules | None = None) -> str:
    pruner = TokenPruner(RandomScorer(seed), rules=rules or Rules())
    return pruner.compress(Prompt.build(text), Budget(rate=rate, count=count_words)).text


@pytest.mark.parametrize("rate", [0.2, 0.4, 0.6])
@pytest.mark.parametrize("seed", range(10))
def test_no_sentence_loses_its_negations_and_numbers(seed: int, rate: float) -> None:
    """A user saw "did not accept" become "did accept"."""
    prompt = Prompt.build(REPORT)
    compressed = TokenPruner(RandomScorer(seed)).compress(
        prompt, Budget(rate=rate, count=count_words)
    )
    kept = np.zeros(len(REPORT), dtype=bool)
    for start, end in compressed.spans.tolist():
        kept[start:end] = True
    marks = ("not", "15,500,000", "never", "Nobody", "three", "without")
    guarded = np.zeros(len(REPORT), dtype=bool)
    for mark in marks:
        at = REPORT.index(mark)
        guarded[at : at + len(mark)] = mark != "three"  # number words are not recognised
    for start, end in sentences(REPORT).tolist():
        if (kept & ~guarded)[start:end].sum() > len(" $"):
            assert kept[start:end][guarded[start:end]].all(), compressed.text


def test_a_negation_beside_a_pin_stays() -> None:
    pruner = TokenPruner(RandomScorer(1))
    for tokens in (2, 4, 8):
        budget = Budget(tokens=tokens, count=count_words)
        kept = pruner.compress(
            Prompt.build("All was well there. " * 5 + REPORT, pin="accept"), budget
        )
        assert " not" in kept.text
        assert "accept" in kept.text


def test_the_guard_can_be_switched_off() -> None:
    outputs = [compress(REPORT, 0.4, seed, Rules(guard=False)) for seed in range(20)]
    assert any("not" not in output and "accept" in output for output in outputs)


@pytest.mark.parametrize("seed", range(10))
def test_sentences_are_kept_or_dropped_whole(seed: int) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")[:3000]
    kept = compress(text, 0.5, seed, Rules(level="sentence"))
    whole = {text[a:b].strip() for a, b in sentences(text).tolist()}
    assert kept
    assert {kept[a:b].strip() for a, b in sentences(kept).tolist()} <= whole


@pytest.mark.parametrize("seed", range(10))
def test_addresses_names_and_quotations_are_kept_or_dropped_whole(seed: int) -> None:
    text = (
        'Open https://example.org/a/b?c=d and set max_tokens in config.yaml to 40 or "as many as '
        'you like" before the run, then mail ops@example.org about node 10.0.0.7:5432 today.'
    )
    kept = compress(text, 0.6, seed)
    for atom in (
        "https://example.org/a/b?c=d",
        "max_tokens",
        '"as many as you like"',
        "ops@example.org",
        "10.0.0.7:5432",
    ):
        parts = atom.strip('"').replace("/", " ").replace("@", " ").split()
        assert atom in kept or not any(f" {part}" in kept for part in parts if len(part) > 4), kept


def test_phrases_of_the_light_chunker() -> None:
    text = "The old harbour office was closed; a small boat slowly left the quiet bay in the night."
    found = [text[a:b] for a, b in phrases(text).tolist()]
    assert found == ["The old harbour office", "a small boat", "the quiet bay", "the night"]
    assert len(phrases("法庭裁定赔偿一千五百五十万美元。")) == 0
    assert len(phrases("")) == 0


def test_selective_context_keeps_phrases_whole(scorer_bundle: ModelBundle) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")[:2000]
    prompt = Prompt.build(text)
    compressed = load_compressor("selective_context", scorer_bundle.folder).compress(
        prompt, Budget(rate=0.5)
    )
    dropped = np.ones(len(text), dtype=bool)
    for start, end in compressed.spans.tolist():
        dropped[start:end] = False
    for start, end in phrases(text).tolist():
        assert dropped[start:end].all() or not dropped[start:end].any(), text[start:end]


def test_a_segment_keeps_its_own_rate() -> None:
    """A user gave rates to parts of a prompt, and llmlingua2 ignored them."""
    text = "word " * 100
    prompt = Prompt.build(
        [Segment(text, rate=0.8), Segment(text, rate=0.1), Segment(text)], question="Which?"
    )
    pruner = TokenPruner(RandomScorer())
    compressed = pruner.compress(prompt, Budget(rate=0.5, count=count_words))
    sizes = [count_words(part) for part in compressed.segment_texts() if "word" in part]
    assert sizes[:2] == [80, 10]
    assert compressed.tokens_out == compressed.limit
    assert sizes[2] == compressed.limit - 80 - 10 - count_words("Which?")


@pytest.mark.parametrize("method", ["llmlingua", "longllmlingua", "llmlingua2"])
def test_rates_of_segments_in_every_kind_of_method(
    method: str, scorer_bundle: ModelBundle, bert_bundle: ModelBundle
) -> None:
    bundle = bert_bundle if method == "llmlingua2" else scorer_bundle
    document = DOCUMENT.read_text(encoding="utf-8")
    parts = [document[:1200], document[1200:2400], document[2400:3600]]
    prompt = Prompt.build(
        [Segment(parts[0], rate=0.9), Segment(parts[1], rate=0.1), parts[2]], question="How much?"
    )
    count = bundle.tokenizer().count
    compressed = load_compressor(method, bundle.folder).compress(prompt, Budget(rate=0.6))
    contexts = [
        t
        for t, s in zip(compressed.segment_texts(), prompt.segments, strict=True)
        if s.compressible
    ]
    assert 0.85 < count(contexts[0]) / count(parts[0]) <= 0.9
    assert 0.05 < count(contexts[1]) / count(parts[1]) <= 0.1
    assert compressed.tokens_out <= compressed.limit


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate": 1.5}, "above 0 and at most 1"),
        ({"rate": 0.0}, "compress=False keeps"),
        ({"rate": float("nan")}, "above 0"),
        ({"rate": 0.5, "compress": False}, "takes no rate"),
        ({"whole": ((0, 9),)}, "outside its segment"),
    ],
)
def test_segments_that_are_none(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Segment("text", **arguments)  # type: ignore[arg-type]


def test_marked_ranges_are_kept_or_dropped_whole() -> None:
    text = "alpha beta gamma delta epsilon zeta eta theta"
    for seed in range(20):
        prompt = Prompt((Segment(text, whole=((6, 22),)),))
        pruner = TokenPruner(RandomScorer(seed), rules=Rules(level="token"))
        kept = pruner.compress(prompt, Budget(rate=0.5, count=count_words)).text
        assert ("beta gamma delta" in kept) == any(w in kept for w in ("beta", "gamma", "delta"))


def test_a_pinned_line_break_does_not_pin_the_next_word() -> None:
    text = "one two\nthree four\nfive six\nseven eight\n"
    prompt = Prompt.build(text, pin="\n")
    compressed = load_compressor("truncate").compress(prompt, Budget(tokens=2, count=count_words))
    assert compressed.text == "one two\n\n\n\n"


def test_repeated_marks_go_when_nothing_stands_between_them() -> None:
    text = "one two\nthree four\nfive six\nseven eight\n"
    pruner = TokenPruner(RandomScorer(1), rules=Rules(drop_consecutive=("\n",)))
    prompt = Prompt.build(text, pin="\n")
    for tokens in range(1, 9):
        compressed = pruner.compress(prompt, Budget(tokens=tokens, count=count_words))
        assert "\n\n" not in compressed.text
        assert "\n" in compressed.text
        assert count_words(compressed.text) == compressed.tokens_out == tokens


def test_unknown_levels_are_refused() -> None:
    with pytest.raises(InputError, match="expected one of token, word, phrase, sentence"):
        Rules(level="line")  # type: ignore[arg-type]


def test_documents_that_score_worst_go_whole(bert_bundle: ModelBundle) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    prompt = Prompt.build([document[at : at + 600] for at in range(0, 6000, 600)])
    pruner = load_compressor("llmlingua2", bert_bundle.folder)
    assert isinstance(pruner, TokenPruner)
    compressed = replace(pruner, document_rate=0.4).compress(prompt, Budget(rate=0.9))
    texts = [
        t
        for t, s in zip(compressed.segment_texts(), prompt.segments, strict=True)
        if s.compressible
    ]
    assert sum(bool(text) for text in texts) == 4


def test_documents_can_come_in_the_order_of_their_rank(scorer_bundle: ModelBundle) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    documents = [f"[{at}] {document[at : at + 500]}" for at in range(0, 4000, 500)]
    prompt = Prompt.build(documents, instruction="Read.", question="How much gold?")
    loaded = load_compressor("longllmlingua", scorer_bundle.folder)
    assert isinstance(loaded, CoarseToFine)
    budget = Budget(rate=0.9)
    ranked = replace(loaded, documents=DocumentFilter(order="rank")).compress(prompt, budget)
    staged = replace(loaded, documents=DocumentFilter(order="two_stage")).compress(prompt, budget)
    order = [s.text for s in ranked.prompt.segments if s.role == "context"]
    assert sorted(order) == sorted(documents)
    assert order != documents
    chosen = sum(bool(text) for text in context_texts(ranked))
    best = order[:chosen]
    ends = [s.text for s in staged.prompt.segments if s.role == "context"][:chosen]
    assert ends == best[::2] + best[1::2][::-1]
    for compressed in (ranked, staged):
        assert compressed.text.startswith("Read.\n\n")
        assert compressed.text.endswith("\n\nHow much gold?")
        assert compressed.tokens_out <= compressed.limit
