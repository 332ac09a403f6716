"""Both sides of a comparison stay, also where next to nothing does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua import Budget, Prompt
from edgelingua.compressors import TokenPruner, load_compressor
from edgelingua.scores import TokenScores
from edgelingua.selection.sides import with_sides
from edgelingua.selection.units import Rules, Units, units_of
from edgelingua.text.boundaries import count_words, words
from edgelingua.text.compared import compared
from edgelingua.text.ranges import as_spans

FILMS = [
    "Niyoti\nNiyoti is a Bengali film of 2016. It was a success at the box office that summer.",
    "Ogro\nOperación Ogro is a Spanish and Italian film drama, released in 1979 by Vides.",
    "Angali Pangali\nAngali Pangali is a Tamil comedy, released in 2016 in all of the south.",
    "Kalavar King\nKalavar King is a film of 2010, directed by Nitin Raghu, with few songs.",
]


def found(question: str, text: str) -> list[str]:
    sides = compared(question, text, as_spans([(0, len(text))]))
    return [text[start:end] for places in sides for start, end in places[:1].tolist()]


@pytest.mark.parametrize(
    ("question", "text", "sides"),
    [
        ("Which film came out first, Ogro or Niyoti?", "Niyoti, Ogro", ["Ogro", "Niyoti"]),
        ("Who is older, Hans Rosling or Ida Brandt?", "IDA BRANDT\nHans Rosling",
         ["Hans Rosling", "IDA BRANDT"]),
        ("Was Jean-Baptiste Chardon or the poet Aguilar Reyes first?",
         "Jean- Baptiste Chardon; Aguilar Reyes", ["Jean- Baptiste Chardon", "Aguilar Reyes"]),
        ("Which is newer, Harvest: 3,000 Years or Trick or Treat?",
         "Trick or Treat. Harvest: 3,000 Years.", ["Harvest: 3,000 Years", "Trick or Treat"]),
        ("Are Paul Curtin and Ida Brandt of one nationality?", "Paul Curtin, Ida Brandt",
         ["Paul Curtin", "Ida Brandt"]),
        ("What do Oslo and Bergen have in common?", "Bergen or Oslo", ["Oslo", "Bergen"]),
        ("Is Ida Brandt older than Hans?", "Hans and Ida Brandt", ["Ida Brandt", "Hans"]),
        ("Wer ist älter, Ida Brandt oder Hans?", "Ida Brandt, Hans", ["Ida Brandt", "Hans"]),
        ("Qui est né avant, Ida Brandt ou Hans ?", "Ida Brandt, Hans", ["Ida Brandt", "Hans"]),
        ("Кто старше, Анна Вольф или Петр?", "Петр. Анна Вольф.", ["Анна Вольф", "Петр"]),
        # No comparison: a list, one side that the text has not, words that are no names.
        ("Who illustrated works by Bill Nye and Mark Twain?", "Bill Nye, Mark Twain", []),
        ("Who is older, Ida Brandt or Hans?", "Ida Brandt", []),
        ("Is it hot or cold in Oslo?", "Oslo is hot or cold", []),
        ("Did It or The fail?", "it is the rule", []),
        ("Who directed the House of Commons?", "House of Commons", []),
        ("", "Ida Brandt or Hans", []),
        ("or", "or", []),
        ("Ogro or Niyoti", "", []),
    ],
)  # fmt: skip
def test_what_is_set_side_by_side(question: str, text: str, sides: list[str]) -> None:
    assert found(question, text) == sides


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_has_its_names_where_they_stand(question: str, text: str) -> None:
    parts = as_spans([(0, len(text) // 2)])
    for places in compared(question, text, parts):
        assert len(places)
        assert (places[:, 1] <= len(text) // 2).all()


def test_both_sides_stay_at_a_tenth() -> None:
    compressor = load_compressor()
    for first, second in (("Niyoti", "Angali Pangali"), ("Kalavar King", "Ogro")):
        question = f"Which film came out earlier, {first} or {second}?"
        prompt = Prompt.build(FILMS, question=question)
        budget = Budget(tokens=12 + count_words(question), count=count_words)
        kept = compressor.compress(prompt, budget).text.removesuffix(question)
        assert first in kept
        assert second in kept


def units(prompt: Prompt, best: str) -> Units:
    """Units of a prompt of which only some words score."""
    scored = {}
    for at, segment in prompt.layout.documents:
        spans = words(segment.text)
        marks = [float(segment.text[a:b] in best.split()) for a, b in spans.tolist()]
        ones = np.ones(len(spans), dtype=bool)
        scored[at] = TokenScores(spans, np.asarray(marks, dtype=np.float32), ones, "P(keep)")
    return units_of(prompt, scored, Rules(names=True))


def test_a_name_comes_from_its_own_document_with_its_best_word() -> None:
    texts = ["Some say Ogro came out after Niyoti.", *FILMS[:2]]
    prompt = Prompt.build(texts, question="Which came out first, Ogro or Niyoti?")
    chosen = with_sides(prompt, units(prompt, "2016 1979"))
    edges = chosen.edges.tolist()
    first = [prompt.text[edges[n] : edges[n + 1]].split()[0] for n in np.flatnonzero(chosen.first)]
    assert [word.strip(".,") for word in first] == ["Niyoti", "2016", "Ogro", "1979"]
    assert prompt.text.index(texts[0]) + len(texts[0]) <= edges[np.flatnonzero(chosen.first)[0]]


def test_without_a_comparison_nothing_is_chosen_first() -> None:
    for question in ("Who directed Ogro?", ""):
        prompt = Prompt.build(FILMS, question=question)
        assert not with_sides(prompt, units(prompt, "2016")).first.any()


def test_methods_that_read_no_question_choose_as_before() -> None:
    compressor = load_compressor("truncate")
    assert isinstance(compressor, TokenPruner)
    prompt = Prompt.build(FILMS, question="Which came out first, Kalavar King or Ogro?")
    kept = compressor.compress(prompt, Budget(tokens=20, count=count_words)).text
    assert kept.startswith("Niyoti")
    assert "Kalavar King" not in kept.split("\n\n")[0]
