"""Two steps by itself: what the first reading found leads to a few passages, and to no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua import Prompt
from edgelingua.budget import Count
from edgelingua.compressors import TokenPruner, load_compressor
from edgelingua.compressors.parts.hops import SHARE, clues, follow, leads, passages_of
from edgelingua.compressors.parts.second_pass import Reading
from edgelingua.scores import Progress, TokenScores
from edgelingua.text.boundaries import count_words, words
from tests.compressors.test_documents import DOCUMENTS, QUESTION, word_scores

LANTERN, OLSEN = DOCUMENTS[1], DOCUMENTS[3]


@pytest.fixture(scope="module")
def mini() -> TokenPruner:
    compressor = load_compressor()
    assert isinstance(compressor, TokenPruner)
    return compressor


@dataclass(eq=False)
class Marked:
    """A scorer by rule: words after a star score what the digit behind it says, others nothing."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def count(self) -> Count:
        return count_words

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        self.asked.append((text, question))
        spans = words(text)
        said = [text[start:end] for start, end in spans.tolist()]
        scores = [
            int(word[1]) / 10 if word[0] == "x" and word[1:].isdigit() else 0 for word in said
        ]
        ones = np.ones(len(spans), dtype=bool)
        if progress:
            progress(len(spans), len(spans))
        return TokenScores(spans, np.asarray(scores, dtype=np.float32), ones, "P(keep)")

    def score_each(
        self, texts: Sequence[str], question: str = "", progress: Progress | None = None
    ) -> list[TokenScores]:
        return [self.score(text, question, progress) for text in texts]


def passages(texts: Sequence[str]) -> dict[int, str]:
    return {1000 * number: text for number, text in enumerate(texts)}


def read(texts: dict[int, str], question: str = "who led it") -> tuple[Marked, Reading]:
    scorer = Marked()
    return scorer, Reading(scorer, texts, question, 64)


def test_the_second_step_is_found_by_itself(mini: TokenPruner) -> None:
    prompt = Prompt.build(DOCUMENTS, question=QUESTION)
    bergen = []
    for compressor in (mini.with_options(second_pass=False), mini):
        found = word_scores(compressor, prompt, OLSEN)
        bergen.append(max(score for word, score in found.items() if "Bergen" in word))
    assert bergen[1] > bergen[0]


def test_one_good_passage_leads_on_with_one_clue() -> None:
    texts = passages(["Ida Brandt x9 came", "Ida Brandt x1 went", "Rain x0 fell", "it x0 fell"])
    scorer, reading = read(texts)
    first = reading.score_all(reading.question, None)
    del scorer.asked[:]
    follow(reading, first, None)
    assert scorer.asked == [("Ida Brandt x1 went", "who led it Ida Brandt x9 came")]


def test_where_no_passage_is_good_nothing_is_read_again() -> None:
    texts = passages(["Ida Brandt x1 came", "Ida Brandt x1 went", "Ida x0 rested"])
    scorer, reading = read(texts)
    first = reading.score_all(reading.question, None)
    assert follow(reading, first, None) == first
    assert len(scorer.asked) == len(texts)


def test_a_name_that_the_first_pass_would_keep_leads_further() -> None:
    """What the first step found is what the second step is about."""
    texts = passages(["X9 was with Ida Brandt x2", "Ida Brandt rested", "X9 ran", "all fell"])
    _, reading = read(texts)
    first = reading.score_all(reading.question, None)
    at = first[0].spans[:, 0] == 0
    first[0].scores[at] = 0.9
    found = passages_of(texts, first)
    clue = clues(found, reading.question)[0]
    assert leads(found, clue, reading.question)[0].text == "X9 ran"


def test_only_what_shares_a_name_is_read_again() -> None:
    """Words of the question, and words in lower case, lead nowhere."""
    filler = [f"nothing of note came of number{n} that year or later on" for n in range(20)]
    texts = passages(["Led x9 by Ida Brandt", "Led x8 it", "Brandt was born", "by Led", *filler])
    scorer, reading = read(texts)
    first = reading.score_all(reading.question, None)
    del scorer.asked[:]
    follow(reading, first, None)
    assert [text for text, _ in scorer.asked] == ["Brandt was born"]
    assert scorer.asked[0][1] == "who led it Led x9 by Ida Brandt"


def test_a_rare_name_leads_further_than_one_that_many_have() -> None:
    texts = passages(
        ["Oslo and Ida Brandt x9", "who x8 led it", *["Oslo is large" for _ in range(6)], "Ida ran"]
    )
    _, reading = read(texts)
    found = passages_of(texts, reading.score_all(reading.question, None))
    clue = next(c for c in clues(found, reading.question) if "Ida" in c.text)
    assert leads(found, clue, reading.question)[0].text == "Ida ran"


def test_a_clue_has_the_rare_words_of_the_question() -> None:
    """The sentence that scores a little less but is about The Lantern."""
    texts = passages(["Ann Lee x9 directed plays", "The Lantern is by Olsen x8", "Olsen was born"])
    _, reading = read(texts, "who directed the Lantern")
    found = passages_of(texts, reading.score_all(reading.question, None))
    assert clues(found, reading.question)[0].text == "The Lantern is by Olsen x8"


def test_paragraphs_of_one_long_text_are_passages() -> None:
    long = "\n\n".join(
        ["Ida Brandt x9 led it.", *["Rain fell on the roof." * 9] * 9, "Ida x8 left."]
    )
    texts = {7: long}
    scorer, reading = read(texts)
    first = reading.score_all(reading.question, None)
    found = passages_of(texts, first)
    assert "".join(passage.text for passage in found) == long
    for passage in found:
        assert long[passage.start :].startswith(passage.text)
    result = follow(reading, first, None)
    assert 1 < len(scorer.asked) < 5
    assert (result[7].scores >= first[7].scores).all()


def test_a_long_text_that_cannot_be_cut_is_read_once() -> None:
    scorer, reading = read({0: "Ida x9 led it and Ida x8 left. " * 100})
    first = reading.score_all(reading.question, None)
    assert follow(reading, first, None) == first
    assert len(scorer.asked) == 1


WORDS = st.sampled_from(
    ["Ida", "Brandt", "Oslo", "led", "it", "x9", "x2", "rain", "7", "وُلد", "東京"]
)
TEXTS = st.lists(st.lists(WORDS, max_size=12).map(" ".join), min_size=1, max_size=12)


@given(TEXTS, st.lists(WORDS, min_size=1, max_size=9).map(" ".join))
def test_nothing_falls_and_the_work_is_bounded(texts: list[str], question: str) -> None:
    scorer, reading = read(passages(texts), question)
    first = reading.score_all(question, None)
    size = sum(map(len, texts))
    told: list[tuple[int, int]] = []
    del scorer.asked[:]
    result = follow(reading, first, lambda done, of: told.append((done, of)))
    for asked in {asked for _, asked in scorer.asked}:
        again = [len(text) for text, question in scorer.asked if question == asked]
        assert sum(again) <= max(2 * SHARE * size, 2 * max(again)) + 1e-9
    total = sum(len(scores.scores) for scores in first.values())
    assert told == [(total, total)] * len(scorer.asked)
    for offset, scores in first.items():
        assert (result[offset].scores >= scores.scores).all()
        assert (result[offset].spans == scores.spans).all()
