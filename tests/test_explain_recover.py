from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from edgelingua.budget import Budget
from edgelingua.compressed import Compressed, Reason
from edgelingua.compressors import load_compressor
from edgelingua.prompt import Prompt

TEXT = "The tribunal awarded the very large sum of $15,500,000 in gold to the United States."


def keeping(text: str, *kept: str, question: str = "") -> Compressed:
    """A compression that keeps just these pieces of the text."""
    prompt = Prompt.build(text, question=question)
    spans, at = [], 0
    for piece in kept:
        start = text.index(piece, at)
        at = start + len(piece)
        spans.append([start, at])
    tail = [[len(text), len(prompt.text)]] if question else []
    edges = sorted({0, len(prompt.text), *(x for span in spans + tail for x in span)})
    units = np.asarray(list(pairwise(edges)))
    inside = [any(a <= u < b for a, b in spans + tail) for u, _ in units.tolist()]
    return Compressed(
        prompt=prompt,
        spans=np.asarray(spans + tail),
        tokens_in=99,
        tokens_out=9,
        limit=9,
        units=units,
        scores=np.linspace(0, 1, len(units), dtype=np.float32),
        reasons=np.asarray([Reason.KEPT if i else Reason.DROPPED for i in inside], dtype=np.int8),
        score_unit="rank",
    )


def test_dropped_words_come_back_and_the_source_is_cited() -> None:
    compressed = keeping(TEXT, "tribunal awarded", " sum of $15,500,000", " to the United States")
    recovered = compressed.recover("It is: tribunal awarded sum of $15,500,000. Yes!")
    assert recovered.text == ("It is: tribunal awarded the very large sum of $15,500,000. Yes!")
    (citation,) = recovered.citations
    assert TEXT[slice(*citation.source)] == citation.text
    assert recovered.text[slice(*citation.answer)] == citation.text


def test_an_answer_that_quotes_nothing_stays_as_it_is() -> None:
    compressed = keeping(TEXT, "tribunal awarded", question="What tribunal awarded?")
    for answer in ("", "No idea.", "The", "A what tribunal"):
        recovered = compressed.recover(answer)
        assert recovered.text == answer
        assert recovered.citations == ()


def test_the_question_is_not_quoted_from() -> None:
    compressed = keeping(TEXT, "gold", question="Who paid seven ducats?")
    assert compressed.recover("He paid seven ducats.").citations == ()


def test_a_number_alone_is_cited_and_capitals_are_left_alone() -> None:
    compressed = keeping(TEXT, "tribunal", " 15,500,000".strip(), " in gold")
    recovered = compressed.recover("15,500,000 In Gold")
    assert recovered.text == "15,500,000 In Gold"
    assert len(recovered.citations) == 1


def test_pieces_far_apart_are_two_quotations() -> None:
    text = "alpha beta " + "filler " * 40 + "gamma delta"
    compressed = keeping(text, "alpha beta", " gamma delta")
    recovered = compressed.recover("alpha beta gamma delta")
    assert recovered.text == "alpha beta gamma delta"
    assert [c.text for c in recovered.citations] == ["alpha beta", "gamma delta"]


@pytest.mark.parametrize(
    "answer", ["裁判所は賠償を命じた", "👨‍👩‍👧 ok", "न्यायाधिकरण ने", "a" * 5000]
)
def test_any_answer_is_survived(answer: str) -> None:
    prompt = Prompt.build("裁判所は1,550万ドルの賠償を命じた。" * 3)
    compressed = load_compressor("random").compress(prompt, Budget(rate=0.6))
    recovered = compressed.recover(answer)
    for citation in recovered.citations:
        assert prompt.text[slice(*citation.source)] is not None
        assert 0 <= citation.answer[0] < citation.answer[1] <= len(recovered.text)


def test_rows_tell_the_fate_of_every_unit() -> None:
    prompt = Prompt.build(TEXT, question="How much?", pin=["gold"])
    compressed = load_compressor("random").compress(prompt, Budget(rate=0.6))
    rows = compressed.explain()
    assert "".join(row.text for row in rows) == prompt.text
    assert "".join(row.text for row in rows if row.reason != "dropped") == compressed.text
    assert {row.reason for row in rows} == {"kept", "dropped", "protected"}
    assert all(np.isnan(row.score) == (row.reason == "protected") for row in rows)
