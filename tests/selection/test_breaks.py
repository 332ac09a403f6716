"""What answers a question stays without its clause, and then on a line of its own."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua.budget import Budget
from edgelingua.compressed import Compressed, broken, join
from edgelingua.compressors import TokenPruner
from edgelingua.compressors.random import RandomScorer
from edgelingua.prompt import Prompt
from edgelingua.scores import Progress, TokenScores
from edgelingua.text.boundaries import count_words, words
from tests.selection.test_joins import MACHINE
from tests.selection.test_predicates import CLAUSES

QUESTION = "What happened?"
KINDS = CLAUSES | {
    "or": (
        "Ida hid the tripod or painted the filter, and Jo weighed the magnet or bought the oar",
        [
            ("Ida", "hid", "tripod"),
            ("Ida", "painted", "filter"),
            ("Jo", "weighed", "magnet"),
            ("Jo", "bought", "oar"),
        ],
    ),
    "because": (
        "Ida sold the lamp because Jo broke the jug, although Liv kept the kettle",
        [("Ida", "sold", "lamp"), ("Jo", "broke", "jug"), ("Liv", "kept", "kettle")],
    ),
    "auxiliaries": (
        "Ida has moved the anchor, and Jo was testing the valve while Liv could open the crate",
        [("Ida", "moved", "anchor"), ("Jo", "testing", "valve"), ("Liv", "open", "crate")],
    ),
    "infinitive": (
        "Ida asked Jo to wrap the barrel, and Liv opened the crate before Zoe left the barn",
        [("Ida", "asked", "Jo"), ("Liv", "opened", "crate"), ("Zoe", "left", "barn")],
    ),
    "semicolon": (
        "Ida lent the spindle; Jo returned the compass; Liv inspected the dynamo",
        [("Ida", "lent", "spindle"), ("Jo", "returned", "compass"), ("Liv", "inspected", "dynamo")],
    ),
    "french": (
        "Ida a vendu la lampe et a peint la porte, mais Jo a caché le trépied",
        [("Ida", "vendu", "lampe"), ("Ida", "peint", "porte"), ("Jo", "caché", "trépied")],
    ),
    "italian": (
        "Ida ha venduto la lampada e ha dipinto la porta, mentre Jo ha nascosto il quadro",
        [("Ida", "venduto", "lampada"), ("Ida", "dipinto", "porta"), ("Jo", "nascosto", "quadro")],
    ),
    "portuguese": (
        "Ida vendeu a mesa e pintou a cerca, mas Jo escondeu a caixa",
        [("Ida", "vendeu", "mesa"), ("Ida", "pintou", "cerca"), ("Jo", "escondeu", "caixa")],
    ),
    "dutch": (
        "Ida verkocht de lamp en verfde de deur, maar Jo verstopte het statief",
        [("Ida", "verkocht", "lamp"), ("Ida", "verfde", "deur"), ("Jo", "verstopte", "statief")],
    ),
    "german because": (
        "Liv reparierte die Uhr, weil Jo eine Lampe brauchte, und Ida versteckte das Stativ",
        [("Liv", "reparierte", "Uhr"), ("Jo", "Lampe", "Lampe"), ("Ida", "versteckte", "Stativ")],
    ),
}


class Chosen:
    """Scores some words far above the others."""

    count = staticmethod(count_words)

    def __init__(self, *best: str) -> None:
        self._best = best

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        """Score by name."""
        spans = words(text)
        scores = [1.0 if text[a:b] in self._best else 0.1 for a, b in spans.tolist()]
        every = np.ones(len(spans), dtype=bool)
        return TokenScores(spans, np.asarray(scores, dtype=np.float32), every, "P(keep)")


def compress(scorer: Chosen | RandomScorer, text: str, tokens: float) -> Compressed:
    """Compress a text to so many words, and the question's."""
    budget = Budget(tokens=math.ceil(tokens) + count_words(QUESTION), count=count_words)
    return TokenPruner(scorer).compress(Prompt.build(text, question=QUESTION), budget)


def kept_of(text: str, tokens: int, *best: str) -> str:
    """What is kept of a text, the question aside."""
    return compress(Chosen(*best), text, tokens).segment_texts()[0].strip()


@pytest.mark.parametrize("kind", list(KINDS))
@settings(max_examples=40)
@given(seed=st.integers(0, 9999), rate=st.sampled_from([0.2, 0.33, 0.5, 0.7]))
def test_a_line_joins_no_two_clauses(kind: str, seed: int, rate: float) -> None:
    text, clauses = KINDS[kind]
    kept = compress(RandomScorer(seed), f"{text}.", rate * count_words(text))
    for line in kept.segment_texts()[0].splitlines():
        said = line.replace(".", " ").replace(",", " ").replace(";", " ").split()
        told = [number for number, clause in enumerate(clauses) if set(clause[1:]) & set(said)]
        for before, number in pairwise(told):
            subject, verb, thing = clauses[number]
            assert thing not in said or verb in said, kept.text
            assert verb not in said or subject in said or clauses[before][0] == subject, kept.text


@pytest.mark.parametrize("text", [*MACHINE, *(f"{text}." for text, _ in KINDS.values())])
@settings(max_examples=15)
@given(seed=st.integers(0, 9999), rate=st.sampled_from([0.2, 0.33, 0.5, 0.7]))
def test_a_break_takes_the_place_of_a_blank_and_counts(text: str, seed: int, rate: float) -> None:
    kept = compress(RandomScorer(seed), text, rate * count_words(text))
    whole = kept.prompt.text
    assert count_words(kept.text) == kept.tokens_out <= kept.limit
    assert {whole[at] for at in kept.breaks.tolist()} <= {" ", "\t"}
    assert kept.text == join(broken(whole, kept.breaks), kept.spans)
    assert kept.text.split() == join(whole, kept.spans).split()
    assert "".join(kept.segment_texts()) == kept.text
    if text in MACHINE:
        assert not len(kept.breaks) or "\n" not in text  # lines with heads go on without breaks


def test_an_answer_of_another_clause_stands_on_a_line_of_its_own_without_and() -> None:
    text = "Ida Berg quickly hid the tripod and Jo Dahl then painted the filter."
    kept = kept_of(text, 6, "Ida", "Berg", "hid", "tripod", "filter")
    assert "tripod\n" in kept
    assert kept.endswith("filter")
    assert " and" not in kept


def test_one_clause_and_whole_clauses_have_no_breaks() -> None:
    text = "Ida hid the tripod and Jo painted the filter in the barn."
    assert "\n" not in kept_of(text, 4, "tripod", "hid", "Ida")
    assert kept_of(text, 9, "Ida", "hid", "tripod", "Jo", "painted", "filter") == (
        "Ida hid the tripod and Jo painted the filter"
    )


def test_what_stands_beside_it_in_the_text_goes_on_on_the_line() -> None:
    """Nothing is left out between: no other clause is made of it."""
    text = "In the spring, the museum bought a suite of maps drawn by Ida Berg and sold the house."
    kept = kept_of(text, 7, "maps", "suite", "drawn", "by", "Ida", "Berg")
    assert "maps drawn by Ida Berg" in kept
