"""Levels, guards, rates of segments, repeated marks, the order of documents."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from edgelingua.budget import Budget
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressed import Compressed
from edgelingua.compressors import CoarseToFine, DocumentFilter, Rules, TokenPruner, load_compressor
from edgelingua.compressors.random import RandomScorer
from edgelingua.errors import BudgetError, InputError
from edgelingua.prompt import Prompt, Segment
from edgelingua.text.boundaries import count_words, sentences
from edgelingua.text.clauses import clause_ends
from edgelingua.text.denials import denials
from edgelingua.text.negations import numbers
from edgelingua.text.noun_phrases import phrases
from edgelingua.text.structure import Mode
from tests.conftest import DOCUMENT

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
def test_no_clause_loses_its_negations(seed: int, rate: float) -> None:
    """A user saw "did not accept" become "did accept"."""
    kept = kept_characters(REPORT, seed, rate)
    denied = np.zeros(len(REPORT), dtype=bool)
    for start, end in denials(REPORT).whole.tolist():
        denied[start:end] = True
    letters = np.asarray([character.isalnum() for character in REPORT])
    for start, end in pairwise([0, *clause_ends(REPORT).tolist()]):
        if (kept & letters & ~denied)[start:end].any():
            assert kept[start:end][denied[start:end]].all()


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.7])
def test_no_word_loses_the_number_beside_it(seed: int, rate: float) -> None:
    text = (
        "In 1871 (May 8), some 3,000 claims; of them 19 ... were paid, $15,500,000 in all. He "
        "has not 12 left."
    )
    kept = kept_characters(text, seed, rate)
    for number, beside in {
        "1871": ("In", "May"),
        "8": ("May", "some"),
        "3,000": ("some", "claims"),
        "19": ("them", "were"),
        "$15,500,000": ("paid", "in"),
        "12": ("has", "left"),
    }.items():
        places = [text.index(part) for part in (number, *beside)]
        there, *neighbours = [kept[at] for at in places]
        assert there or not any(neighbours), (number, text)
        assert kept[places[0] : places[0] + len(number)].all() == there


def test_a_number_does_not_stay_for_the_rest_of_its_sentence() -> None:
    text = "The tower, 1911, was built by Ida Brandt of the old harbour office in the north."
    outputs = [compress(text, 0.4, seed) for seed in range(20)]
    assert any("Brandt" in output and "1911" not in output for output in outputs)


def kept_characters(text: str, seed: int, rate: float) -> NDArray[np.bool_]:
    pruner = TokenPruner(RandomScorer(seed))
    compressed = pruner.compress(Prompt.build(text), Budget(rate=rate, count=count_words))
    kept = np.zeros(len(text), dtype=bool)
    for start, end in compressed.spans.tolist():
        kept[start:end] = True
    return kept


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
    compressor = load_compressor(method, bundle.folder)
    count = compressor.count
    compressed = compressor.compress(prompt, Budget(rate=0.6))
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


@pytest.mark.parametrize(
    ("text", "pin", "whole"),
    [
        ("Pi is about 3.14 here.", re.compile(r"\d+[.)]"), "3.14"),
        ("They paid 15,500,000 in gold.", "15,", "15,500,000"),
        ("We don't know that.", "don'", "don't"),
    ],
)
def test_a_pin_that_ends_inside_a_number_or_word_keeps_it_whole(
    text: str, pin: str | re.Pattern[str], whole: str
) -> None:
    for guard in (True, False):
        for seed in range(10):
            pruner = TokenPruner(RandomScorer(seed), rules=Rules(guard=guard))
            budget = Budget(rate=0.5, count=count_words)
            assert whole in pruner.compress(Prompt.build(text, pin=pin), budget).text


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        (
            "The committee of the harbour that met on\nthe quay would not, after all its debates,\n"
            "accept the offer of the company.",
            " not",
        ),
        ('He did not say "Yes. I accept it." to anybody in the old office.', " not"),
        ("Il est vrai qu'aucun accord ne fut signé à la fin.", "qu'aucun"),
        ("He paid not 500 dollars to Ida.", " not"),
        ("The sum was never 500 dollars.", " never"),
        ("In 1872 he did not accept.", " not"),
        ("Visitors may not smoke, drink, or litter.", " not smoke"),
        ("Of 12 not 1 of the 3 said what 7 others, not 8, had seen.", " not"),
    ],
)
def test_negations_hold_for_their_whole_clause(text: str, mark: str) -> None:
    """Sentences go on over line breaks and quotations; numbers stand beside negations."""
    for seed in range(20):
        for tokens in range(1, 12):
            pruner = TokenPruner(RandomScorer(seed))
            kept = pruner.compress(Prompt.build(text), Budget(tokens=tokens, count=count_words))
            rest = re.sub(r"\b(not|never|ne|qu'aucun)\b", "", kept.text)
            assert mark in kept.text or not re.search(r"\w", rest), kept.text


def test_a_negation_outlives_a_threshold_where_its_sentence_is_pinned() -> None:
    prompt = Prompt.build("The court did not accept the plea of Geneva.", pin="accept")
    pruner = TokenPruner(RandomScorer(), threshold=2.0)
    compressed = pruner.compress(prompt, Budget(rate=1.0, count=count_words))
    assert compressed.text == " not accept"


@pytest.mark.parametrize(
    ("text", "pin", "kept"),
    [
        ("In 1872 he did not accept.", "In", "In not accept"),
        ("He paid not 500 of them to Ida.", "paid", " paid not 500"),
        ("He paid not 500 of them to Ida.", "not", " not 500"),
    ],
)
def test_a_pin_beside_a_number_keeps_the_negation_before_it(text: str, pin: str, kept: str) -> None:
    pruner = TokenPruner(RandomScorer(3), threshold=0.99)
    budget = Budget(tokens=3, count=count_words)
    assert pruner.compress(Prompt.build(text, pin=pin), budget).text == kept
    (rated,) = context_texts(
        pruner.compress(
            Prompt.build([Segment(text, rate=3.1 / count_words(text))], pin=pin),
            Budget(rate=1.0, count=count_words),
        )
    )
    assert rated == kept


def test_escaped_characters_are_no_numbers() -> None:
    text = r'{"text": "it is not \u00e9t\u00e9 \ud83d\ude00 at 30 degrees in town"}'
    assert [text[a:b] for a, b in numbers(text).tolist()] == ["30"]


@pytest.mark.long
def test_a_smaller_budget_keeps_a_subset_of_a_table_of_contents(scorer_bundle: ModelBundle) -> None:
    """Many marks make few tokens: counting is far from monotone there."""
    count = scorer_bundle.tokenizer().count
    text = "\n".join(f"Chapter {i} {'.' * 60} {i * 7}" for i in range(8)) + "\n" + "=" * 60
    for seed in range(10):
        pruner = TokenPruner(RandomScorer(seed), rules=Rules(guard=False))
        smaller: set[int] = set()
        for tokens in range(5, count(text), 4):
            compressed = pruner.compress(Prompt.build(text), Budget(tokens=tokens, count=count))
            kept = {i for a, b in compressed.spans.tolist() for i in range(a, b)}
            assert smaller <= kept
            smaller = kept


def test_reordered_documents_are_counted_anew(scorer_bundle: ModelBundle) -> None:
    documents = ["The first report speaks of ships.\n", "The second one is about gold."]
    loaded = load_compressor("llmlingua", scorer_bundle.folder)
    assert isinstance(loaded, CoarseToFine)
    count = loaded.count
    for order in (["a", "b"], ["b", "a"]):
        texts = documents if order[0] == "a" else documents[::-1]
        compressor = replace(loaded, documents=DocumentFilter(order="rank"))
        compressed = compressor.compress(Prompt.build(texts), Budget(rate=1.0))
        assert compressed.tokens_out == count(compressed.text) <= compressed.limit


def test_no_separator_leads_where_the_first_document_went() -> None:
    prompt = Prompt.build(["one two three.", "four five six seven."], pin="six")
    pruner = TokenPruner(RandomScorer(1), rules=Rules(guard=False))
    compressed = pruner.compress(prompt, Budget(tokens=1, count=count_words))
    assert compressed.text == " six"
    blank = Prompt.build(["", "one two three", "  ", "four"])
    assert blank.text == "one two three\n\nfour"


def test_nothing_of_documents_beyond_the_most_stays(scorer_bundle: ModelBundle) -> None:
    documents = [f"Report {i}: ship number {i} left the bay." for i in range(5)]
    loaded = load_compressor("llmlingua", scorer_bundle.folder)
    assert isinstance(loaded, CoarseToFine)
    compressor = replace(loaded, documents=DocumentFilter(extra=0, most=1))
    kept = context_texts(compressor.compress(Prompt.build(documents), Budget(rate=0.8)))
    assert sum(bool(text) for text in kept) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: DocumentFilter(order=cast(Any, "bset")),
            "expected one of original, rank, two_stage",
        ),
        (lambda: DocumentFilter(most=0), "expected 1 or more"),
        (lambda: TokenPruner(RandomScorer(), document_rate=0.0), "above 0 and at most 1"),
        (lambda: TokenPruner(RandomScorer(), threshold=float("nan")), "not a number"),
        (lambda: Prompt.build("abc", pin=[cast(Any, 3)]), "expected a text or a compiled pattern"),
        (lambda: Prompt.build("abc", pin=""), "expected a text or a compiled pattern"),
        (lambda: Prompt.build([Segment("abc", compress=False)]), "no segment may be compressed"),
    ],
)
def test_options_that_are_none(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_at_least_one_word_of_a_segment_with_a_rate_stays() -> None:
    prompt = Prompt((Segment("Name: ", compress=False), Segment("John", rate=0.5)))
    compressed = TokenPruner(RandomScorer()).compress(prompt, Budget(rate=1.0, count=count_words))
    assert compressed.text == "Name: John"


BLOCKS = {
    "code": "Use this:\n```python\nx = 1\n```\nThen restart the server now.",
    "json": 'So:\n```json\n{"a": "one two three four five six seven"}\n```\nThat is the answer.',
    "bare json": 'So:\n{"a": "one two three four five six seven"}\nThat is the answer.',
    "csv": "These:\n```csv\nid,name,qty\n1,bolt,10\n2,nut,20\n3,screw,30\n```\nMore parts come.",
    "bare csv": "These:\nid,name,qty\n1,bolt,10\n2,nut,20\n3,screw,30\nMore parts come later.",
    "markdown": "See:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\nMost of all parts.",
    "records": '```csv\nid,text,n\n1,"hello big\nnew world",2\n3,"other\nsecond",4\n```\nEnd.',
}


@pytest.mark.parametrize("mode", ["pin", "compress"])
@pytest.mark.parametrize("block", BLOCKS)
def test_prose_never_moves_into_a_block(block: str, mode: Mode) -> None:
    text = BLOCKS[block]
    for seed in range(20):
        for rate in (0.5, 0.7, 0.85, 0.95):
            prompt = Prompt.build(text, structure=mode)
            try:
                kept = TokenPruner(RandomScorer(seed)).compress(
                    prompt, Budget(rate=rate, count=count_words)
                )
            except BudgetError:
                continue
            lines = set(text.split("\n"))
            records = {'1,"hello big', 'new world",2', '3,"other', 'second",4'}
            assert ('1,"hello big' in kept.text) == ('new world",2' in kept.text)
            for line in kept.text.split("\n"):
                if line.startswith(("```", "|", "id,")) or line in records:
                    assert line in lines, kept.text
