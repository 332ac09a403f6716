"""Negations and numbers are found, in every language, and not everywhere else."""

from __future__ import annotations

import random
import sys
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.text import negations as module
from edgelingua.text.negations import negations, numbers
from edgelingua.text.ranges import merged
from tests.conftest import DOCUMENT


def guarded(text: str) -> list[tuple[int, int]]:
    # What looks like a contraction can hold a number: n'½%.
    return merged([*negations(text).tolist(), *numbers(text).tolist()])


def found(text: str) -> list[str]:
    return [text[a:b] for a, b in guarded(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It did NOT rain, nor snow; nobody can't say.", ["NOT", "nor", "nobody", "can't"]),
        ("He isn’t here without it, unless hardly", ["isn’t", "without", "unless", "hardly"]),
        ("Er hat nicht und niemals keinem, ohne", ["nicht", "niemals", "keinem", "ohne"]),
        ("Weder heute noch morgen; noch ein Tag. Noch einer", ["Weder", "noch"]),
        ("Außer ihm; AUSSER ihr", ["Außer", "AUSSER"]),
        ("Il n'est pas venu, sans aucune raison", ["n'est", "pas", "sans", "aucune"]),
        ("No vino nunca sin ningún motivo", ["No", "nunca", "sin", "ningún"]),
        ("Non è mai senza", ["Non", "mai", "senza"]),
        ("Não veio sem nada", ["Não", "sem", "nada"]),
        (unicodedata.normalize("NFD", "Não veio"), [unicodedata.normalize("NFD", "Não")]),
        ("Hij is niet zonder geen", ["niet", "zonder", "geen"]),
        ("Он никогда не был без", ["никогда", "не", "без"]),
        ("ولم يعترض أحد ولا غير", ["ولم", "ولا", "غير"]),
        ("किसी ने आपत्ति नहीं की", ["नहीं"]),
        ("双方都不满意，没有异议。非常好，未来", ["不", "没"]),
        ("行きません。食べずに、まず、はず。なかった", ["ません", "ず", "なかった"]),
        ("nothing", ["nothing"]),
        ("knot another notice nevertheless canal noon", []),
        ("a nonzero, non-zero", ["non"]),
    ],
)
def test_negations(text: str, expected: list[str]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It cost $15,500,000 or -3.5% of €7", ["$15,500,000", "-3.5%", "€7"]),
        ("1.234,56 € und 15 500 000 euros, 12 %", ["1.234,56 €", "15 500 000", "12 %"]),
        ("on 2026-11-21 at 12:30, 10–20 °C", ["2026-11-21", "12:30", "10–20 °"]),
        ("१५,५०० और ١٥٬٥٠٠ ½ ² Ⅳ ④", ["१५,५००", "١٥٬٥٠٠", "½", "²", "Ⅳ", "④"]),
        ("17b x3 (-4) 5-6 −7", ["17", "3", "-4", "5-6", "−7"]),
        ("第15条 n'½%", ["15", "n'½%"]),
        ("three words, 三", []),
    ],
)
def test_numbers(text: str, expected: list[str]) -> None:
    assert found(text) == expected


def test_every_digit_of_unicode_is_one() -> None:
    digits = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c)[0] == "N"]
    text = " a ".join(digits)
    spans = guarded(text)
    assert [text[a:b] for a, b in spans] == digits


@given(st.text(alphabet="no t'n’1½٣.,-$ %不ずnicht\n\u0301", max_size=80) | st.text(max_size=80))
def test_spans_of_any_text(text: str) -> None:
    spans = guarded(text)
    assert all(0 <= a < b <= len(text) for a, b in spans)
    assert all(b <= c for (_, b), (c, _) in pairwise(spans))
    covered = {i for a, b in spans for i in range(a, b)}
    assert all(i in covered for i, c in enumerate(text) if unicodedata.category(c)[0] == "N")


def test_a_small_part_of_prose_is_guarded() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    spans = guarded(text)
    share = sum(end - start for start, end in spans) / len(text)
    assert 0.005 < share < 0.05


@pytest.mark.parametrize(
    "text",
    ["1," * 100_000, "weder " * 20_000, "不" * 100_000, "n't'" * 50_000, "1 000" * 40_000,
     "-" * 200_000, "\u0301" * 200_000, "你好" * 100_000, "½" * 100_000],
    ids=lambda text: ascii(text[:4]),
)  # fmt: skip
def test_hostile_texts_end(text: str) -> None:
    guarded(text)


def test_words_are_looked_up_one_by_one() -> None:
    """What is found in a text is what is found in its words."""
    words = DOCUMENT.read_text(encoding="utf-8").split()
    random.Random(0).shuffle(words)
    together = sorted(found("\n".join(words)))
    assert together == sorted(piece for word in words for piece in found(word))


def test_nothing_long_is_remembered() -> None:
    module._negates.cache_clear()
    assert len(negations("x" * 1000 + " " + "y" * 33)) == 0
    assert module._negates.cache_info().currsize == 0
