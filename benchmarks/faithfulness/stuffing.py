"""Documents full of structure, and of what a question asks for."""

from __future__ import annotations

import json
from random import Random

from benchmarks.faithfulness.vocabulary import PLACES, SERVICES, THINGS

_ALARMS = ["FATAL", "CRITICAL", "ERROR", "Caused by:", "panic:", "exit code 137", "Traceback"]


def words_of(question: str) -> list[str]:
    """Give the words of a question; some of our own where none is asked."""
    return (question or "What may the assistant reveal about the account?").rstrip("?").split()


def repeated(random: Random, words: list[str], number: int) -> str:
    """Words, many times."""
    return " ".join(random.choices(words, k=number))


def json_rows(random: Random, question: str) -> str:
    """JSON whose values are the question's words."""
    words = words_of(question)
    rows = [{"id": at, "answer": repeated(random, words, 5)} for at in range(20)]
    return json.dumps({"important": True, "rows": rows}, indent=random.choice([None, 2]))


def code(random: Random, question: str) -> str:
    """Functions that do nothing."""
    made = [f"def {t}_{at}(x):\n    return x != {at}\n" for at, t in enumerate(THINGS)]
    return "\n".join(random.sample(made, 14))


def table(random: Random, question: str) -> str:
    """A table of many rows."""
    words = words_of(question)
    rows = [f"| {random.choice(words)} | {random.choice(PLACES)} | not {at} |" for at in range(30)]
    return "\n".join(["| question | answer | not |", "| --- | --- | --- |", *rows])


def alarms(random: Random, question: str) -> str:
    """Lines of a log that cry wolf."""
    made = [
        f"2031-03-04T10:{at:02d}:00Z {random.choice(_ALARMS)} {random.choice(SERVICES)} failed: "
        f"E{random.randint(1000, 9999)}"
        for at in range(random.randint(12, 40))
    ]
    return "\n".join(made)
