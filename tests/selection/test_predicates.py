"""What is kept of a sentence does not join the subject, verb and object of two clauses."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua.budget import Budget
from edgelingua.compressors import TokenPruner
from edgelingua.compressors.random import RandomScorer
from edgelingua.prompt import Prompt
from edgelingua.text.boundaries import count_words

CLAUSES = {
    "acts": (
        "Ida hid the tripod and painted the filter, but Jo weighed the magnet and Liv sold the oar",
        [("Ida", "hid", "tripod"), ("Ida", "painted", "filter"), ("Jo", "weighed", "magnet")],
    ),
    "relative": (
        "Ida lent the spindle, which surprised Zoe, who tested the tripod and bought the kettle",
        [("Ida", "lent", "spindle"), ("Zoe", "tested", "tripod"), ("Zoe", "bought", "kettle")],
    ),
    "passive": (
        "The lamp was stolen in March, and the jug had been found in April, while Jo sold the oar",
        [("lamp", "stolen", "March"), ("jug", "found", "April"), ("Jo", "sold", "oar")],
    ),
    "present": (
        "Ida paints the fence behind the barn, but Jo hides the tripod and repairs the pump",
        [("Ida", "paints", "fence"), ("Jo", "hides", "tripod"), ("Jo", "repairs", "pump")],
    ),
    "numbers": (
        "Sales in Norway rose by 5 percent, while sales in Spain fell by 3 percent",
        [("Norway", "rose", "5"), ("Spain", "fell", "3")],
    ),
    "german": (
        "Ida verkaufte die Lampe und bemalte den Zaun, aber Jo versteckte das Stativ",
        [("Ida", "verkaufte", "Lampe"), ("Ida", "bemalte", "Zaun"), ("Jo", "versteckte", "Stativ")],
    ),
    "spanish": (
        "Ida vendió la mesa y pintó la cerca, pero Jo escondió el trípode",
        [("Ida", "vendió", "mesa"), ("Ida", "pintó", "cerca"), ("Jo", "escondió", "trípode")],
    ),
}


@pytest.mark.parametrize("kind", list(CLAUSES))
@settings(max_examples=30)
@given(seed=st.integers(0, 9999), rate=st.sampled_from([0.2, 0.33, 0.5, 0.7]))
def test_an_object_has_its_own_verb_and_subject(kind: str, seed: int, rate: float) -> None:
    """A verb went and its object stayed: "hid the tripod and the filter"."""
    text, clauses = CLAUSES[kind]
    budget = Budget(rate=rate, count=count_words)
    kept = TokenPruner(RandomScorer(seed)).compress(Prompt.build(f"{text}."), budget).text
    words = kept.replace(".", " ").replace(",", " ").split()
    told = [number for number, clause in enumerate(clauses) if set(clause[1:]) & set(words)]
    for before, number in pairwise(told):
        subject, verb, thing = clauses[number]
        assert thing not in words or verb in words, kept
        assert verb not in words or subject in words or clauses[before][0] == subject, kept
