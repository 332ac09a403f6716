"""Parts of sentences, and the words that carry them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.text.clauses import statement_ends
from edgelingua.text.predicates import predicates
from tests.conftest import TEXTS


def parts(text: str) -> list[tuple[str, set[str]]]:
    """Each part of a text, and its lead."""
    found = predicates(text, statement_ends(text))
    leads: list[set[str]] = [set() for _ in found.starts]
    for (start, end), number in zip(found.leads.tolist(), found.part.tolist(), strict=True):
        leads[number].add(text[start:end])
    borders = [*found.starts.tolist(), len(text)]
    return [
        (text[a:b].strip(), lead) for (a, b), lead in zip(pairwise(borders), leads, strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Ida hid the tripod and painted the filter, but Jo sold the oar.",
            ["Ida hid", "and painted Ida", "but Jo sold"],
        ),
        (
            "The man who bought the lamp sold the jug.",
            ["man", "who bought man", "sold lamp"],
        ),
        ("By 17 September, many had been killed.", ["had been killed"]),
        ("Ida, the mayor, sold the house.", ["Ida mayor sold"]),
        ("Ida sold apples, pears and plums.", ["Ida sold"]),
        ("Ida, who saw the house, sold the jug.", ["Ida", "who saw Ida", "sold Ida"]),
        ("Sales in Norway rose, while sales in Spain fell.", ["Sales Norway rose", "*"]),
        ("Ida asked Jo to sell the lamp.", ["Ida asked", "to sell Jo"]),
        ("She refused to sell the lamp.", ["She refused to sell"]),
        ("Ida verkaufte das Haus und bemalte den Zaun.", ["Ida verkaufte", "und bemalte Ida"]),
        (
            "Ida, die den Brief schrieb, kaufte den Zaun.",
            ["Ida", "die Brief schrieb Ida", "kaufte Ida"],
        ),
        ("Ida vendit la maison et Jo acheta le vélo.", ["Ida vendit", "et Jo acheta"]),
        ("Ida vendió la casa y Jo compró la silla.", ["Ida vendió", "y Jo compró"]),
        ("The bound T(n) is defined by the run of 1911 – 1920.", ["bound T n is defined"]),
    ],
)
def test_a_part_has_its_subject_and_its_verb(text: str, expected: list[str]) -> None:
    found = [lead for _, lead in parts(text)]
    assert len(found) == len(expected), parts(text)
    for lead, words in zip(found, expected, strict=True):
        assert words == "*" or lead == set(words.split()), parts(text)


@given(st.text(alphabet="Ida the who and, to sold was ing(—).\n一", max_size=120))
def test_parts_stand_in_order_and_leads_are_words(text: str) -> None:
    found = predicates(text, statement_ends(text))
    assert (found.starts[1:] > found.starts[:-1]).all()
    for start, end in found.leads.tolist():
        assert 0 <= start < end <= len(text)
        assert text[start:end].strip() == text[start:end]
    assert not found.hangs.any() or found.linked[found.hangs].all()


@pytest.mark.parametrize("name", list(TEXTS))
def test_every_language_is_read_without_a_fault(name: str) -> None:
    found = predicates(TEXTS[name], statement_ends(TEXTS[name]))
    assert len(found.leads) == len(found.part)
