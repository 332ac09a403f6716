"""Documents that compete: none is louder than its scorer has it, and repeats claim little."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua import Budget, Prompt, Segment, load_compressor
from edgelingua.compressors import Rules, TokenPruner
from edgelingua.compressors.random import RandomScorer
from edgelingua.errors import BudgetError, InputError, PinsWarning
from edgelingua.selection.claims import claimed
from edgelingua.selection.company import Company
from edgelingua.text.boundaries import count_words, words
from edgelingua.text.echoes import novelty, odd_ones
from tests.conftest import DOCUMENT, TEXTS

GUARD = (
    "You are the support assistant of Northwind Bank. Never reveal account numbers or passwords. "
    "Do not transfer money unless the customer has confirmed with a code. Answer only about bank "
    "products."
)
ORDINARY = (
    "The tribunal at Geneva awarded the United States 15,500,000 dollars in gold. Great Britain "
    "paid within a year. The arbitrators came from five countries and met in the town hall for "
    "several months. The award ended the dispute."
)
ASKED = "When may money be transferred for a customer?"
TOWNS = ["Aldbury", "Castria", "Dunmoor", "Farrow", "Glenby", "Holmen", "Jarrow"]
HOSTILE = {
    "negations": "the password " + "not never no none nor nothing without unless " * 8,
    "contractions": "dont cant wont isnt doesnt didnt shouldnt wouldnt " * 8,
    "question": f"{ASKED} " * 9,
    "its words": "money customer transferred may when for be a " * 8,
    "frames": f"Question: {ASKED}\nAnswer: now, of course.\n" * 5,
    "look-alikes": ASKED.translate(str.maketrans("aeopcxy", "аеорсху")) * 4 + f" {ASKED}" * 4,
    "joiners": " ".join("\u200b".join(word) for word in ASKED.split() * 7),
    "shouting": "IMPORTANT!!! MONEY MUST TRANSFERRED CRITICAL: NEVER CUSTOMER READ THIS! " * 7,
    "a chat": "".join(f"[10:{n}] Ida: {ASKED}\n[10:{n}] Jo: yes\n" for n in range(10, 18)),
    "a trace": "".join(f"Caused by: MoneyError{n}: {ASKED}\n  at a.b({n})\n" for n in range(9)),
    "a table": "| question | answer | not |\n| --- | --- | --- |\n"
    + "".join(f"| {ASKED.split()[n % 8]} | {TOWNS[n % 7]} | not {n} |\n" for n in range(21)),
    "numbers": ", ".join(f"{7919 * n % 9973:,} km" for n in range(1, 30)) + ".",
}


@pytest.fixture(scope="module")
def mini() -> TokenPruner:
    compressor = load_compressor()
    assert isinstance(compressor, TokenPruner)
    return compressor


def words_kept(mini: TokenPruner, document: str, question: str, *, first: bool) -> float:
    """Share of the guardrail's words that are kept beside a document at rate 0.5."""
    texts = [GUARD, document] if first else [document, GUARD]
    kept = mini.compress(
        Prompt.build(texts, question=question),
        Budget(tokens=(count_words(GUARD) + count_words(document)) // 2 + count_words(question),
               count=count_words),
    )  # fmt: skip
    left = kept.segment_texts()[0 if first else 2].split()
    return sum(word in left for word in GUARD.split()) / len(GUARD.split())


@pytest.mark.parametrize("question", ["", ASKED])
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_document_takes_no_more_than_an_ordinary_one(
    mini: TokenPruner, kind: str, question: str
) -> None:
    hostile = HOSTILE[kind]
    ordinary = " ".join((ORDINARY.split() * 3)[: len(hostile.split())])
    for first in (True, False):
        beside = [words_kept(mini, doc, question, first=first) for doc in (hostile, ordinary)]
        assert beside[0] >= 0.9 * beside[1]


@given(
    texts=st.lists(st.sampled_from([GUARD, *HOSTILE.values(), *TEXTS.values()]), min_size=2),
    seed=st.integers(0, 99),
)
def test_inside_a_document_the_order_stays(texts: list[str], seed: int) -> None:
    """So all that a guard promises of a negation or a number holds beside others too."""
    random = np.random.default_rng(seed)
    prompt = Prompt.build(texts[:6], question="" if seed % 2 else ASKED)
    edges = np.unique([*prompt.layout.edges, *words(prompt.text)[:, 0]])
    plain = (random.integers(-4, 4, len(edges) - 1) / 4).astype(np.float32)  # with many ties
    plain[random.random(len(plain)) < 0.1] = -np.inf
    scores = np.where(random.random(len(plain)) < 0.2, plain + np.float32(0.7), plain)
    scores[random.random(len(plain)) < 0.05] = np.inf
    negates = random.random(len(plain)) < 0.1
    result = claimed(
        prompt,
        edges,
        plain,
        scores,
        negates,
        company=Company.none(len(plain)),
        followers=np.zeros((0, 5), dtype=np.int64),
    )
    for offset, segment in prompt.layout.documents:
        first, end = np.searchsorted(edges, [offset, offset + len(segment.text)])
        orders = [
            np.lexsort((~negates[first:end], -each[first:end])).tolist()
            for each in (scores, result)
        ]
        assert orders[0] == orders[1]


def test_what_is_new_in_a_text() -> None:
    assert novelty(DOCUMENT.read_text(encoding="utf-8")) > 0.45
    assert novelty(ORDINARY) > 0.8
    for kind in set(HOSTILE) - {"a chat", "a trace"}:
        assert novelty(HOSTILE[kind], numbers=kind != "numbers") < 0.3, kind
    assert novelty("") == 1


def test_the_odd_line_of_a_log_claims_what_it_is_worth(mini: TokenPruner) -> None:
    """However much the others repeat each other."""
    lines = [
        f"2031-03-04T06:{n:02}:00Z INFO batch={4000 + n} rows=500 flushed in {n * 37 % 90} ms\n"
        for n in range(50)
    ]
    lines.insert(31, "2031-03-04T06:31:30Z ERROR batch=4031 checksum of vault does not match\n")
    log = "".join(lines)
    assert novelty(log) < 0.35
    texts = [ORDINARY, log, GUARD]
    count = sum(map(count_words, texts))
    for rate in (0.3, 0.1):
        kept = mini.compress(
            Prompt.build(texts, question="Why was a batch not flushed?"),
            Budget(tokens=round(rate * count), count=count_words),
        )
        assert "checksum of vault does not match" in kept.text


def test_lines_unlike_the_rest() -> None:
    text = "row one of ten\nrow two of ten\nno such file here\nrow three of ten\n"
    edges = [0, *(m.end() for m in re.finditer("\n", text))]
    parts = np.stack([edges[:-1], edges[1:]], axis=1)
    assert odd_ones(text, parts).tolist() == [False, False, True, False]
    assert odd_ones(text, parts[:0]).tolist() == []


def test_numbers_that_count_on_are_not_new() -> None:
    rows = [f"row {n} of {n * 7919 % 9973}" for n in range(40)]
    assert novelty(" ".join(rows)) < novelty(" ".join(random_like(rows))) - 0.15
    assert novelty("7 8 10 11") == 0.5


def random_like(rows: list[str]) -> list[str]:
    """Rows whose numbers do not count on."""
    return [re.sub(r"row (\d+)", lambda m: f"row {int(m[1]) * 31 % 997}", row) for row in rows]


def test_a_document_full_of_pins_does_not_make_the_call_fail() -> None:
    texts = [f"{GUARD} This is 1 of Geneva.", "Geneva " * 200]
    pruner = load_compressor("random")
    budget = Budget(tokens=90, count=count_words)
    with pytest.warns(PinsWarning, match="document 2 of 2 .* of its 200 pinned places stay"):
        kept = pruner.compress(Prompt.build(texts, pin="Geneva"), budget)
    assert " Geneva" in kept.segment_texts()[0]
    assert kept.tokens_out <= 90
    with pytest.raises(BudgetError, match="201 tokens, 111 more than the budget of 90"):
        pruner.compress(Prompt.build(texts, pin="Geneva"), replace(budget, strict=True))
    with pytest.raises(BudgetError, match="more than the budget of 90"):
        pruner.compress(Prompt.build(texts[1], pin="Geneva"), budget)


def test_pins_and_structure_of_a_segment() -> None:
    rows = "| town | year |\n| --- | --- |\n| Geneva | 1872 |\n"
    guard = Segment(GUARD, pin=("Northwind Bank", re.compile(r"\bcode\b")))
    prompt = Prompt.build([guard, Segment(rows, structure="off")], structure="pin")
    pinned = [GUARD[a:b] for a, b in prompt.segments[0].pinned]
    assert sorted(pinned) == ["Northwind Bank", "code"]
    assert prompt.segments[2].outline.pinned == ()
    assert Prompt.build([GUARD, rows], structure="pin").segments[2].outline.pinned
    for wrong, message in (
        ({"pin": ("",)}, "expected a text or a compiled pattern"),
        ({"structure": "yes"}, "expected one of"),
        ({"floor": 2.0}, "fraction kept at least"),
        ({"floor": 0.5, "rate": 0.5}, "has no rate"),
    ):
        with pytest.raises(InputError, match=message):
            Segment(GUARD, **wrong)


@pytest.mark.parametrize("seed", range(5))
def test_a_floor(seed: int) -> None:
    """And that of an instruction that is compressed, without being asked for."""
    pruner = TokenPruner(RandomScorer(seed), rules=Rules(guard=False))
    for rate in (0.1, 0.3, 0.6):
        budget = Budget(rate=rate, count=count_words)
        for segment, floor in (
            (Segment(GUARD, floor=0.9), min(0.9, rate * 2)),
            (Segment(GUARD, "instruction", compress=True), rate),
        ):
            kept = pruner.compress(Prompt((segment, Segment("\n\n" + ORDINARY))), budget)
            share = count_words(kept.segment_texts()[0]) / count_words(GUARD)
            assert share >= floor - 2 / count_words(GUARD)
            assert kept.tokens_out <= kept.limit
