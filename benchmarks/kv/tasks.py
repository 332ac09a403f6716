"""Texts with facts to be found again, and the questions about them: pure functions of a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

DEPTHS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Where needles lie, as a share of the prose."""

CODE_DEPTHS = (0.2, 0.4, 0.6, 0.8, 0.95)
"""Where key-value lines lie."""

_NAMES = ["Agnes", "Bruno", "Clara", "Dmitri", "Edith", "Farid", "Greta", "Hugo", "Irene", "Jonas"]
_TRADES = [
    *["miller", "tailor", "baker", "pilot", "nurse"],
    *["mason", "clerk", "potter", "cook", "poet"],
]
_DEEDS = (
    ("hid", "hide", "in the cellar"),
    ("bought", "buy", "at the fair"),
    ("lost", "lose", "on the ferry"),
    ("painted", "paint", "on the barn"),
    ("carved", "carve", "for the mayor"),
    ("found", "find", "behind the mill"),
    ("sold", "sell", "to the sailors"),
    ("buried", "bury", "near the bridge"),
)
_KINDS = ["copper", "green", "velvet", "paper", "marble", "yellow", "silver", "wooden", "purple"]
_THINGS = ["violin", "lantern", "camel", "anchor", "piano", "clock", "ladder", "tiger", "barrel"]
_BOXES = ["apple", "river", "stone", "cloud", "maple", "candle", "winter", "garden", "rocket"]


@dataclass(frozen=True)
class Question:
    """What is asked, how an answer begins, what it must go on with, and how deep that lies.

    ``kind``: ``needle``, a made-up sentence, or ``code``, a key-value line.
    """

    kind: str
    ask: str
    cue: str
    value: str
    depth: float


@dataclass(frozen=True)
class Told:
    """A fact: how it is told and asked for, how an answer begins, what it must go on with."""

    sentence: str
    ask: str
    cue: str
    value: str


@dataclass(frozen=True)
class Haystack:
    """A text and the questions about facts in it."""

    text: str
    questions: tuple[Question, ...]


def haystack(prose: str, seed: int) -> Haystack:
    """Put facts between the sentences of a prose text: one at each depth, the text in order."""
    draw = random.Random(seed)
    facts = [*_needles(draw), *_codes(draw)]
    ends = [match.end() for match in re.finditer(r"[.!?]”? ", prose)]
    text, at = [], 0
    for sentence, question in sorted(facts, key=lambda fact: fact[1].depth):
        wanted = question.depth * len(prose)
        end = min(ends, key=lambda end: abs(end - wanted))
        text += [prose[at:end], sentence]
        at = end
    return Haystack("".join([*text, prose[at:]]), tuple(question for _, question in facts))


def facts(draw: random.Random, count: int) -> list[Told]:
    """Draw ``count`` made-up facts, no word of one in another; at most eight."""
    columns = [draw.sample(words, count) for words in (_NAMES, _TRADES, _KINDS, _THINGS)]
    return [
        Told(
            f"{name} the {trade} {did} a {kind} {thing} {where}.",
            f"What did {name} the {trade} {do} {where}?",
            f"{name} the {trade} {did} a",
            f" {kind} {thing}",
        )
        for (did, do, where), name, trade, kind, thing in zip(
            draw.sample(_DEEDS, count), *columns, strict=True
        )
    ]


def _needles(draw: random.Random) -> Iterator[tuple[str, Question]]:
    for depth, fact in zip(DEPTHS, facts(draw, len(DEPTHS)), strict=True):
        question = Question("needle", fact.ask, fact.cue, fact.value, depth)
        yield f"{fact.sentence} ", question


def _codes(draw: random.Random) -> Iterator[tuple[str, Question]]:
    boxes = draw.sample(_BOXES, len(CODE_DEPTHS))
    for depth, box in zip(CODE_DEPTHS, boxes, strict=True):
        cue, value = f"The code of box {box} is", f" {draw.randrange(100, 1000)}"
        question = Question("code", f"What is the code of box {box}?", cue, value, depth)
        yield f"\n{cue}{value}.\n", question


def prose(book: str, start: int, length: int) -> str:
    """``length`` characters of a book from a paragraph near ``start`` on, its lines joined."""
    start = book.index("\n\n", start) + 2
    return re.sub(r"\s+", " ", book[start : start + 2 * length])[:length]


def body(book: str) -> str:
    """A Project Gutenberg text without what stands around it."""
    book = book.replace("\r\n", "\n")
    found = re.search(
        r"\*\*\* ?START OF TH.*?\*\*\*\n(.*?)\*\*\* ?END OF TH", book, flags=re.DOTALL
    )
    return found[1].strip() if found else book
