"""SCOPE: whatever the writer writes, what comes out fits, and says nothing that was not there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.budget import Budget, Count
from edgelingua.compressors import load_compressor, load_scope
from edgelingua.compressors.parts.chunks import chunks, sentence_ranges
from edgelingua.compressors.parts.summary import grammar, parse
from edgelingua.compressors.parts.verified import unverified
from edgelingua.compressors.scope import Scope
from edgelingua.errors import InputError
from edgelingua.prompt import Prompt, Segment
from edgelingua.text.boundaries import count_words
from tests.conftest import DOCUMENT, TEXTS

TEXT = (
    "The tribunal at Geneva awarded 15,500,000 dollars in gold to the United States. "
    "Great Britain did not object to the award. The city of Boston lost many houses in a fire. "
    "Nobody has counted them, but the damage was estimated by Mr. Adams at 60 millions. "
    "Trade with Japan grew in 1872, and two new lines of steamers were opened.\n\n"
    "The mails are carried at a loss. The Post Office asks for more money, which Congress refused "
    "twice. Letters to Berlin now take 14 days."
)
QUESTION = "How much gold did the tribunal award?"
FIGURE = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Dictated:
    """Writes what it is told to: any model could."""

    says: str
    parameters: int = 2_000_000_000

    @property
    def count(self) -> Count:
        return count_words

    def write(self, messages: Sequence[tuple[str, str]], limit: int, rules: str = "") -> str:
        return self.says


def scope_of(says: str) -> Scope:
    return Scope(Dictated(says), load_compressor("truncate"))


WORDS = st.sampled_from(
    (
        *("The", "tribunal", "awarded", "gold", "Boston", "Paris", "60", "61", "did", "not"),
        *("never", "fire", "damage", "was", "in", "of", "15,500,000", "Adams", "Smith", "three"),
    )
)
SENTENCE = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)
WRITTEN = st.lists(st.tuples(SENTENCE, st.integers(1, 9)), max_size=4).map(
    lambda items: " ".join(f"{text}. [{at}]" for text, at in items)
)


@given(WRITTEN | st.text(max_size=80), st.floats(0.1, 0.9))
def test_nothing_is_said_that_was_not_there(says: str, rate: float) -> None:
    prompt = Prompt.build(TEXT, question=QUESTION)
    made = scope_of(says).compress(prompt, Budget(rate=rate))
    assert made.tokens_out == count_words(made.text) <= made.limit
    assert set(FIGURE.findall(made.text)) <= set(FIGURE.findall(prompt.text))
    assert not re.search(r"Paris|Smith|\b61\b|\bthree\b", made.text)
    assert made.text.endswith(QUESTION)
    edges = [part.source for part in made.parts]
    assert edges[0][0] == 0
    assert edges[-1][1] == len(TEXT)
    for (_, end), (start, _) in pairwise(edges):
        assert start == end
    for part in made.parts:
        if part.written:
            assert all(part.source[0] <= a < b <= part.source[1] for a, b in part.cited)


def test_a_sentence_that_is_true_is_taken() -> None:
    made = scope_of("The tribunal awarded 15,500,000 dollars in gold. [1]").compress(
        Prompt.build(TEXT, question=QUESTION), Budget(rate=0.5)
    )
    [part] = [part for part in made.parts if part.written]
    assert part.text == "The tribunal awarded 15,500,000 dollars in gold."
    [(start, end)] = part.cited
    assert TEXT[start:end].startswith("The tribunal at Geneva")


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("The tribunal awarded 15,500 dollars in gold.", "figure"),
        ("The tribunal at Paris awarded gold.", "Paris"),
        ("Paris awarded gold.", "Paris"),
        ("The tribunal awarded gold three times.", "three"),
        ("The tribunal did not award gold.", "denies"),
        ("The jury awarded gold.", "jury"),
        ("The tribunal awarded twenty-one dollars.", "twenty"),
        ("The tribunal refused gold to the United States.", "refused"),
        ("Nobody awarded gold.", "denies"),
    ],
)
def test_what_is_refused(sentence: str, why: str) -> None:
    cited = TEXT[: TEXT.index(" Great")]
    assert why in unverified(sentence, cited, TEXT[:200])


def test_what_is_not_refused() -> None:
    cited = TEXT[: TEXT.index(" Great")]
    assert not unverified("In gold, the United States were awarded 15,500,000.", cited, TEXT[:200])
    assert not unverified("Great Britain did not object.", "Great Britain did not object.", TEXT)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_chunks_tile_the_text(text: str) -> None:
    for source in (text, f"{text}\n\n{TEXT} {text}"):
        found = [one for chunk in chunks(source, count_words, 20) for one in chunk]
        assert found == sentence_ranges(source)
        assert "".join(source[a:b] for a, b in found) == source
        for chunk in chunks(source, count_words, 20):
            assert len(chunk) == 1 or count_words(source[chunk[0][0] : chunk[-1][1]]) <= 20


def test_pins_and_machine_text_are_not_written_again() -> None:
    log = "2026-11-21 21:13:43 ERROR conn=10.0.0.7 refused\n" * 6
    prompt = Prompt.build([TEXT, Segment(log)], question=QUESTION, pin=["Geneva", "Berlin"])
    made = scope_of("The city of Boston lost many houses. [1]").compress(prompt, Budget(rate=0.6))
    assert "Geneva" in made.text
    assert "Berlin" in made.text
    for part in made.parts:
        source = prompt.text[slice(*part.source)]
        if "ERROR" in source or "Geneva" in source:
            assert not part.written


def test_small_readers_are_refused() -> None:
    with pytest.raises(InputError, match="billion parameters"):
        Scope(Dictated("", parameters=135_000_000), load_compressor("truncate"))
    with pytest.raises(InputError, match="load_scope"):
        load_compressor("scope")


def test_sentences_are_parsed() -> None:
    assert parse("One thing. [2] Another [1]\nA torso that") == [("One thing.", 1), ("Another", 0)]
    assert parse("[1] [2]") == []


def test_a_real_reader_is_held_to_the_grammar(gguf: object) -> None:
    from edgelingua.llama.model import LlamaModel

    reader = LlamaModel(str(gguf), threads=1)
    reply = reader.write([("user", "Name a city in France.")], 40, grammar(3, 20))
    assert re.fullmatch(r"([^\[\]]+ \[[123]\] ?)*[^\[\]]*(\[[123]?)?", reply), reply
    scope = Scope(reader, load_compressor("llmlingua2"), least_parameters=0)
    text = DOCUMENT.read_text(encoding="utf-8")[2000:3200]
    prompt = Prompt.build(text, question="What happened in Boston?")
    made = scope.compress(prompt, Budget(rate=0.4))
    assert made.tokens_out == reader.count(made.text) <= made.limit
    with pytest.raises(InputError, match="billion parameters"):
        load_scope(reader)
