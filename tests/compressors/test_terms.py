"""What BM25 compares: words, and in other scripts than Latin what they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.compressors.parts.lexical import bm25_scores
from edgelingua.compressors.parts.rankers import Bm25Ranker


@pytest.mark.parametrize(
    ("question", "best", "others"),
    [
        ("Когда построили крепость?", "В крепости пушки.", ["Река замёрзла.", "Рынок пуст."]),
        ("أين المكتبة؟", "والمكتبات كثيرة.", ["السوق مزدحم.", "النهر بعيد."]),
        ("도서관은 어디에 있습니까?", "도서관에서 책을 읽는다.", ["강이 얼었다.", "시장."]),
        ("法庭在哪里？", "这个法庭很大。", ["庭院里有法国人。", "河水结冰了。"]),
        ("ห้องสมุดอยู่ที่ไหน", "ห้องสมุดเปิดทุกวัน", ["แม่น้ำเป็นน้ำแข็ง", "ตลาดว่างเปล่า"]),
    ],
)  # fmt: skip
def test_an_ending_or_missing_blanks_do_not_hide_a_word(
    question: str, best: str, others: list[str]
) -> None:
    ranks = Bm25Ranker().rank([*others, best], question)
    assert int(np.argmax(ranks)) == len(others)
    assert ranks[-1] > max(ranks[:-1])


@given(st.lists(st.text(alphabet="abc XYZé.", min_size=1), min_size=1, max_size=5))
def test_latin_text_is_compared_by_words_alone(texts: list[str]) -> None:
    from rank_bm25 import BM25Okapi

    from edgelingua.text.boundaries import words

    def terms(text: str) -> list[str]:
        text = text.casefold()
        return [text[a:b] for a, b in words(text).tolist()]

    if not any(map(terms, texts)):
        return
    plain = BM25Okapi([terms(text) for text in texts]).get_scores(terms("abc x é"))
    assert np.allclose(bm25_scores(texts, "abc x é", "okapi"), plain)
