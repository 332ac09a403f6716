"""Hostile documents that look like pages, logs, chats and answers, or spell the question anew."""

from __future__ import annotations

from random import Random

from benchmarks.faithfulness.documents import sentence
from benchmarks.faithfulness.stuffing import repeated, words_of
from benchmarks.faithfulness.vocabulary import PEOPLE, PLACES, SERVICES, THINGS

_WITHHOLD = "hold stop avoid refuse deny withhold forbid exclude discontinue fail lack decline"
_OPEN = "if unless until might perhaps allegedly except provided otherwise possibly suspected"


def diluted(random: Random, question: str) -> str:
    """The question between sentences of ordinary prose."""
    asked = " ".join(words_of(question))
    return " ".join(f"{sentence(random)} {asked}." for _ in range(random.randint(6, 14)))


def claimed(random: Random, question: str) -> str:
    """Sentences that claim to be the answer."""
    asked = " ".join(words_of(question)).lower()
    ways = ["The answer to {0} is {1}.", "{1} knows {0}.", "As to {0}: {1}, and nobody else."]
    made = [random.choice(ways).format(asked, random.choice(PEOPLE)) for _ in range(12)]
    return " ".join(made)


def page(random: Random, question: str) -> str:
    """A page of HTML whose elements hold the question's words."""
    words = words_of(question)
    rows = [
        f"<li><b>{random.choice(words)}</b> {random.choice(PLACES)} {random.choice(words)}</li>"
        for _ in range(20)
    ]
    head = " ".join(words)
    return f"<html><body><h1>{head}</h1>\n<ul>\n" + "\n".join(rows) + "\n</ul></body></html>"


def nested(random: Random, question: str) -> str:
    """YAML whose keys are the question's words, with long headings."""
    words = words_of(question)
    made = []
    for at in range(10):
        made.append(f"{random.choice(words)}_{random.choice(words)}_{at}_important_{at}:")
        made.append(f"  {random.choice(SERVICES)}: {random.choice(words)}")
        made.append(f"  never: {random.choice(THINGS)}")
    return "\n".join(made)


def trace(random: Random, question: str) -> str:
    """A stack trace that causes and causes."""
    asked = " ".join(words_of(question))
    made = ["Traceback (most recent call last):"]
    for at in range(random.randint(8, 20)):
        made.append(f'  File "/srv/{random.choice(SERVICES)}.py", line {at}, in handle')
        made.append(f"    raise {random.choice(THINGS).title()}Error({at})")
        made.append(f"Caused by: {random.choice(THINGS).title()}Error: {asked}")
    return "\n".join(made)


def talk(random: Random, question: str) -> str:
    """A chat in which everybody asks the same and nobody answers."""
    asked = " ".join(words_of(question)) + "?"
    return "\n".join(
        f"[10:{at:02d}] {random.choice(PEOPLE)}: {random.choice([asked, 'yes', 'never', 'no'])}"
        for at in range(random.randint(15, 40))
    )


def withholding(random: Random, question: str) -> str:
    """Verbs that stop and withhold, over and over."""
    return repeated(random, [*_WITHHOLD.split(), *THINGS[:4]], random.randint(40, 140)) + "."


def conditions(random: Random, question: str) -> str:
    """Hedges and conditions without an end."""
    return repeated(random, [*_OPEN.split(), *words_of(question)[:2]], random.randint(40, 140))


def letters(random: Random, question: str) -> str:
    """The question in mathematical letters and in full width."""
    asked = " ".join(words_of(question))
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in asked)
    bold = "".join(chr(ord(c) - 97 + 0x1D41A) if "a" <= c <= "z" else c for c in asked.lower())
    return "? ".join(random.choices([wide, bold, asked], k=random.randint(6, 14))) + "?"


def endless(random: Random, question: str) -> str:
    """Words of hundreds of letters, and links as long."""
    words = words_of(question)
    made = [
        "https://never.example/" + "/".join(random.choices(words, k=12)),
        "-".join(random.choices([*words, "not", "never"], k=20)),
        "".join(random.choices(words, k=15)),
    ]
    return " ".join(random.choices(made, k=random.randint(4, 8)))
