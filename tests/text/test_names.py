"""Names are found, and are kept or dropped whole."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua import Budget, Prompt
from edgelingua.compressors import Rules, TokenPruner
from edgelingua.compressors.random import RandomScorer
from edgelingua.text.boundaries import count_words
from edgelingua.text.names import MOST_WORDS, names

TEXT = (
    "The keeper, Ida Brandt, wrote to Jonas O'Neil of Saint-Denis on May 8, 1904 about Apollo 11 "
    "and the old harbour; nobody there knew who Élodie Ünal Čapek was."
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TEXT, ["Ida Brandt", "Jonas O'Neil", "May 8", "Apollo 11", "Élodie Ünal Čapek"]),
        ("They saw Ida\nBrandt, and Ida  Brandt; Ida, Brandt", []),
        ("on 8 May 1904", ["May 1904"]),
        ("A heading: " + " ".join(["Word"] * (MOST_WORDS + 1)), []),
        (" ".join(["Word"] * MOST_WORDS), [" ".join(["Word"] * MOST_WORDS)]),
        ("Ida " + "A" * 49 + " Brandt", []),
        ("法庭裁定 Ελλάδα Αθήνα", ["Ελλάδα Αθήνα"]),
        ("", []),
    ],
)
def test_names(text: str, expected: list[str]) -> None:
    assert [text[a:b] for a, b in names(text).tolist()] == expected


@given(st.text(alphabet="Aa É1.,-' \n\u0301", max_size=60) | st.text(max_size=60))
def test_names_of_any_text(text: str) -> None:
    spans = names(text).tolist()
    assert all(0 <= a < b <= len(text) for a, b in spans)
    assert all(b <= c for (_, b), (c, _) in pairwise(spans))
    assert all(text[a].isupper() for a, _ in spans)


@pytest.mark.parametrize("text", ["A" * 300_000, "A " * 150_000, "A-" * 150_000, "1 " * 150_000])
def test_hostile_texts_end(text: str) -> None:
    names(text)


@pytest.mark.parametrize("seed", range(10))
def test_a_name_is_kept_or_dropped_whole(seed: int) -> None:
    for tokens in range(1, count_words(TEXT) + 1, 3):
        pruner = TokenPruner(RandomScorer(seed), rules=Rules(names=True))
        done = pruner.compress(Prompt.build(TEXT), Budget(tokens=tokens, count=count_words))
        kept = {i for a, b in done.spans.tolist() for i in range(a, b)}
        for start, end in names(TEXT).tolist():
            assert len(kept & set(range(start, end))) in {0, end - start}
        assert done.tokens_out <= tokens


def test_a_pin_inside_a_name_does_not_pin_the_name() -> None:
    pruner = TokenPruner(RandomScorer(0), rules=Rules(names=True, guard=False))
    prompt = Prompt.build(TEXT, pin="Brandt")
    done = pruner.compress(prompt, Budget(tokens=1, count=count_words))
    assert done.text.strip() == "Brandt"
