"""What is read later: nothing twice, in the order of the text, within the room, all in the end."""

from __future__ import annotations

import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua.budget import Budget
from edgelingua.compressors import load_compressor
from edgelingua.prompt import SEPARATOR, Prompt, Segment
from edgelingua.selection.rest import LEAD_IN, Unread, with_further
from edgelingua.text.boundaries import count_words
from tests.conftest import DOCUMENT, TEXTS

QUESTION = "How much was it?"
METHODS = {name: load_compressor(name) for name in ("truncate", "random", "bm25")}
PARAGRAPHS = [*TEXTS.values(), *DOCUMENT.read_text(encoding="utf-8").split("\n\n")[:12]]

texts = st.lists(st.sampled_from(PARAGRAPHS), min_size=1, max_size=4)
documents = st.lists(texts.map("\n".join), min_size=1, max_size=3)


@settings(max_examples=25)
@given(
    documents, st.sampled_from(sorted(METHODS)), st.floats(0.02, 0.9), st.floats(1.05, 9),
    st.integers(0, 400),
)  # fmt: skip
def test_steps(contexts: list[str], method: str, rate: float, growth: float, room: int) -> None:
    prompt = Prompt.build(contexts, question=QUESTION)
    first = METHODS[method].compress(prompt, Budget(tokens=9 + int(rate * 300), count=count_words))
    unread = Unread.of(first, count_words)
    read = np.zeros(len(prompt.text), dtype=int)
    for start, end in first.spans.tolist():
        read[start:end] += 1
    furthers, held = [], unread.held
    while found := unread.further(growth, room):
        further, unread = found
        furthers.append(further)
        assert further.text.startswith(LEAD_IN)
        assert count_words(further.text + SEPARATOR + QUESTION) <= room
        assert unread.held == held + count_words(further.text)
        held = unread.held
        places = further.places[further.places >= 0]
        assert (np.diff(places) > 0).all()
        read[places] += 1
        for character, place in zip(further.text, further.places.tolist(), strict=True):
            assert place < 0 or prompt.text[place] == character
    assert read.max() == 1
    if unread.parts:  # only what has no room is left
        smallest = min(count_words(part.text) for part in unread.parts[:9])
        assert count_words(LEAD_IN) + smallest + count_words(SEPARATOR + QUESTION) > room - 3
    everything = with_further(first, furthers, count_words)
    assert (everything.spans[1:, 0] > everything.spans[:-1, 1]).all()
    inside = np.zeros(len(prompt.text), dtype=bool)
    for start, end in everything.spans.tolist():
        inside[start:end] = True
    assert inside[read > 0].all()
    assert not np.any(
        [c.isalnum() for c, new in zip(prompt.text, inside & (read == 0), strict=True) if new]
    )
    assert everything.tokens_out == count_words(everything.text) <= everything.limit


@settings(max_examples=20)
@given(documents, st.floats(0.02, 0.5))
def test_all_is_read_in_the_end(contexts: list[str], rate: float) -> None:
    prompt = Prompt.build(contexts, question=QUESTION)
    first = METHODS["random"].compress(prompt, Budget(tokens=9 + int(rate * 99), count=count_words))
    unread, furthers = Unread.of(first, count_words), []
    while found := unread.further(2.0, sys.maxsize):
        furthers.append(found[0])
        unread = found[1]
    assert not unread.parts
    left = with_further(first, furthers, count_words)
    missing = [row.text for row in left.explain() if row.reason == "dropped"]
    assert not any(character.isalnum() for text in missing for character in text)


def test_the_best_sentence_comes_first_and_a_title_with_its_text() -> None:
    fruit = "Apples\nApples are green fruit that grow on old trees. The trees are in a garden."
    ships = "Ships\nShips carry goods over all the seas. Most of them are slow and very heavy."
    prompt = Prompt.build([ships, fruit], question="What colour is the fruit on old trees?")
    first = METHODS["bm25"].compress(prompt, Budget(tokens=12, count=count_words))
    unread = Unread.of(first, count_words)
    assert [part.text for part in unread.parts] == [
        "Apples\nApples are green fruit that grow on old trees.",
        "The trees are in a garden.",
        "Ships\nShips carry goods over all the seas.",
        "Most of them are slow and very heavy.",
    ]
    further, left = unread.further(1.01, 99) or (None, unread)
    assert further is not None
    assert further.text == f"{LEAD_IN}{ships}\n\n{fruit}"
    assert not left.parts


def test_a_document_with_a_rate_of_its_own_keeps_to_it() -> None:
    fixed = Segment(PARAGRAPHS[-1], rate=0.2)
    prompt = Prompt.build([fixed, "One two three. Four five six."], question=QUESTION)
    first = METHODS["truncate"].compress(prompt, Budget(rate=0.5, count=count_words))
    parts = Unread.of(first, count_words).parts
    assert all(part.document != 0 for part in parts)
