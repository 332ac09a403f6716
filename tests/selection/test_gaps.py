"""The mark that tells that words were left out: where it stands, and that it is no part of them."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua.alignment import token_importance
from edgelingua.budget import Budget
from edgelingua.compressed import Compressed, join
from edgelingua.compressors import TokenPruner
from edgelingua.compressors.random import RandomScorer
from edgelingua.errors import InputError
from edgelingua.prompt import Prompt
from edgelingua.selection.units import Rules
from edgelingua.text.boundaries import count_words
from edgelingua.text.clauses import statement_ends
from tests.selection.test_joins import MACHINE, PROSE

JSON = '[{"id": 1, "state": "up"}, {"id": 2, "state": "down"}, {"id": 3, "state": "up"}]'


def compress(text: str, seed: int, rate: float, gap: str = "⟨…⟩") -> Compressed:
    pruner = TokenPruner(RandomScorer(seed), rules=Rules(gap=gap))
    prompt = Prompt.build(text, structure="compress")
    return pruner.compress(prompt, Budget(rate=rate, count=count_words))


@pytest.mark.parametrize("text", [*PROSE, *MACHINE])
@settings(max_examples=20)
@given(seed=st.integers(0, 999), rate=st.sampled_from([0.2, 0.33, 0.5, 0.8]))
def test_a_mark_stands_where_words_of_a_sentence_are_missing(
    text: str, seed: int, rate: float
) -> None:
    kept = compress(text, seed, rate)
    assert kept.text.replace(" ⟨…⟩", "").replace("⟨…⟩", "") == join(text, kept.spans)
    assert count_words(kept.text) == kept.tokens_out <= kept.limit
    starts = kept.spans[:, 0].tolist()
    assert set(kept.gaps.tolist()) <= set(starts)
    ends = statement_ends(text).tolist()
    for (_, end), (start, stop) in pairwise(kept.spans.tolist()):
        if start in kept.gaps:
            assert any(c.isalnum() for c in text[end:start]) or text[end:start].strip()
        # Between two words of one sentence: the spans that touch marks alone have none to show.
        elif text[end - 1].isalnum() and text[start:stop].strip()[:1].isalnum():
            whole = any(end <= at <= start for at in ends) or "\n" in text[start:stop]
            assert whole or not any(c.isalnum() for c in text[end:start]), kept.text


def test_a_mark_is_a_word_by_itself_and_pieces_stay_what_they_were() -> None:
    for seed in range(40):
        kept = compress(PROSE[0], seed, 0.4, "[…]")
        pieces = {piece.strip(".,;:!?”“()’") for piece in PROSE[0].split()} | {"[…]", ""}
        assert {piece.strip(".,;:!?”“()’") for piece in kept.text.split()} <= pieces


@pytest.mark.parametrize("text", [JSON, 4 * MACHINE[0]])
@pytest.mark.parametrize("seed", range(5))
def test_lines_and_elements_get_none(text: str, seed: int) -> None:
    kept = compress(text, seed, 0.6).text
    assert "⟨…⟩" not in kept


@pytest.mark.parametrize("seed", range(10))
def test_segments_keep_their_marks_and_quotations_are_found_across_them(seed: int) -> None:
    text = PROSE[0]
    prompt = Prompt.build([text, text.upper()], question="Who paid?")
    pruner = TokenPruner(RandomScorer(seed), rules=Rules(gap="…"))
    kept = pruner.compress(prompt, Budget(rate=0.5, count=count_words))
    assert "".join(kept.segment_texts()) == kept.text
    recovered = kept.recover(kept.segment_texts()[0])
    assert recovered.citations
    for citation in recovered.citations:
        assert "…" not in citation.text
        assert prompt.text[slice(*citation.source)].casefold() == citation.text.casefold()


def test_a_quotation_goes_on_over_a_mark() -> None:
    text = "In 1954 a storm broke the old south pier of the town."
    pier = text.index(" pier")
    spans = np.asarray([(text.index(" storm"), text.index(" the old")), (pier, pier + 5)])
    assert join(text, spans, "…", [pier]) == " storm broke … pier"
    kept = compress(text, 0, 0.5, "…")
    kept = replace(kept, spans=spans, gaps=np.asarray([pier]))
    assert kept.recover("A storm broke … pier.").text == "A storm broke the old south pier."


def test_tokens_of_a_mark_are_worth_what_stands_behind_it() -> None:
    kept = compress("The tide table hangs in the porch, beside the barometer.", 1, 0.5, "…")
    assert len(kept.gaps)
    worth = token_importance(kept, [word.encode() for word in re.findall(r"\s*\S+", kept.text)])
    words = re.findall(r"\S+", kept.text)
    for at, word in enumerate(words):
        if word == "…":
            assert (
                worth[at] == pytest.approx(worth[at + 1], nan_ok=True) or worth[at] > worth[at + 1]
            )


def test_marks_give_way_to_pins() -> None:
    """They are for the reader's comfort, and no reason to refuse what must stay."""
    prompt = Prompt.build(
        "storm and the pier and the boat and the quay", pin=["storm", "pier", "quay"]
    )
    pruner = TokenPruner(RandomScorer(), rules=Rules(gap="…"))
    assert pruner.compress(prompt, Budget(tokens=3, count=count_words)).text == "storm pier quay"
    kept = pruner.compress(prompt, Budget(tokens=5, count=count_words)).text
    assert kept == "storm … pier … quay"


@pytest.mark.parametrize("gap", [" …", "…\n", "\ud83d", 3])
def test_what_is_no_mark_is_refused(gap: str) -> None:
    with pytest.raises(InputError):
        Rules(gap=gap)
