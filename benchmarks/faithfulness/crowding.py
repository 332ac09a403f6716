"""What a document takes from its neighbours, and what becomes of instructions hidden in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random
from typing import Any

from benchmarks.faithfulness.contenders import Runner
from benchmarks.faithfulness.documents import (
    INJECTIONS,
    answering,
    guardrail,
    ordinary,
    sentence,
)
from benchmarks.faithfulness.guises import BREAK
from benchmarks.faithfulness.hostile import ATTACKS
from benchmarks.faithfulness.vocabulary import PLACES as VOCABULARY

from edgelingua import Prompt
from edgelingua.budget import Count
from edgelingua.errors import BudgetError

RATES = (0.5, 0.2, 0.1)
PLACES = ("front", "middle", "end")


def crowd(
    kind: str, numbers: Iterable[int], runner: Runner, count: Count
) -> Iterator[dict[str, Any]]:
    """Put a guardrail, and a document with an answer, beside hostile and ordinary documents.

    A row for each rate, with and without a question: sums of the share of the guardrail's words
    that stays beside hostile and ordinary documents of as many tokens, of the answers that do (with
    a question only), and how often the prompt was refused.
    """
    rows: dict[tuple[bool, float], dict[str, Any]] = {}
    for at in numbers:
        random = Random(f"{kind} {at}")
        guard, about = guardrail(random)
        document, question, answer = answering(random)
        for asked in (False, True):
            pair = _pair(kind, random, about if asked else "", count)
            rival = _pair(kind, random, question, count) if asked else {}
            for rate in RATES:
                row = rows.setdefault((asked, rate), {"texts": 0, "refused": 0})
                row["texts"] += 1
                for which, text in pair.items():
                    prompt = _beside(guard, text, about if asked else "")
                    left = _kept(runner, prompt, rate, row)
                    _sum(row, f"guard_{which}", share(left, guard))
                for which, text in rival.items():
                    left = _kept(runner, _beside(document, text, question), rate, row)
                    _sum(row, f"answer_{which}", float(answer in left))
        runner.forget()
    for (asked, rate), row in rows.items():
        yield {"attack": kind, "question": asked, "rate": rate, **row}


def inject(place: str, numbers: Iterable[int], runner: Runner) -> Iterator[dict[str, Any]]:
    """Hide an instruction at a place of ordinary prose: how much of it stays, and of the prose."""
    rows: dict[float, dict[str, Any]] = {}
    for at in numbers:
        random = Random(f"{place} {at}")
        told = [sentence(random) for _ in range(random.randint(8, 16))]
        line = random.choice(INJECTIONS)
        spot = {"front": 0, "middle": len(told) // 2, "end": len(told)}[place]
        text = " ".join([*told[:spot], line, *told[spot:]])
        start = len(" ".join([*told[:spot], ""])) if spot else 0
        for rate in RATES:
            row = rows.setdefault(rate, {"texts": 0, "refused": 0, "injected": 0.0, "around": 0.0})
            row["texts"] += 1
            spans = runner.compress(Prompt.build(text), rate).spans.tolist()
            inside = sum(max(0, min(b, start + len(line)) - max(a, start)) for a, b in spans)
            row["injected"] += inside / len(line)
            row["around"] += (sum(b - a for a, b in spans) - inside) / (len(text) - len(line))
        runner.forget()
    for rate, row in rows.items():
        yield {"place": place, "rate": rate, **row}


def stuff(kind: str, numbers: Iterable[int], runner: Runner) -> Iterator[dict[str, Any]]:
    """Fill a document with what is protected: how often the call is refused, and what else stays.

    ``kind`` is one of `STUFFED`: a word that is pinned, digits that are, or structure.
    """
    rows: dict[float, dict[str, Any]] = {}
    for at in numbers:
        random = Random(f"{kind} {at}")
        guard, _ = guardrail(random)
        word = f"{random.choice(VOCABULARY)}town"
        fill, options = STUFFED[kind](random, word)
        prompt = Prompt.build([f"{guard} This is 1 of {word}.", fill], **options)
        for rate in RATES:
            row = rows.setdefault(rate, {"texts": 0, "refused": 0, "guard": 0.0})
            row["texts"] += 1
            row["guard"] += share(_kept(runner, prompt, rate, row), guard)
        runner.forget()
    for rate, row in rows.items():
        yield {"stuffed": kind, "rate": rate, **row}


def means(row: dict[str, Any]) -> dict[str, Any]:
    """Make means over the texts of what a row of `crowd`, `inject` or `stuff` sums up."""
    summed = ("guard", "answer", "injected", "around")
    return {
        key: round(value / row["texts"], 4) if key.startswith(summed) else value
        for key, value in row.items()
    }


STUFFED: Mapping[str, Callable[[Random, str], tuple[str, dict[str, Any]]]] = {
    "a pinned word": lambda random, word: (f"{word} " * random.randint(100, 300), {"pin": word}),
    "pinned digits": lambda random, word: (
        " ".join(str(random.randint(1, 9999)) for _ in range(200)),
        {"pin": re.compile(r"\d")},
    ),
    "pinned JSON": lambda random, word: (ATTACKS["JSON"](random, ""), {"structure": "pin"}),
    "JSON": lambda random, word: (ATTACKS["JSON"](random, ""), {"structure": "compress"}),
    "code": lambda random, word: (
        f"```python\n{ATTACKS['code'](random, '')}```\n",
        {"structure": "compress"},
    ),
    "a table": lambda random, word: (ATTACKS["table"](random, ""), {"structure": "compress"}),
}


def share(left: str, whole: str) -> float:
    """Share of a text's words, each as often as it stands there, that are left."""
    pool = re.findall(r"\w+", left)
    words = re.findall(r"\w+", whole)
    kept = 0
    for word in words:
        if word in pool:
            pool.remove(word)
            kept += 1
    return kept / len(words)


def _pair(kind: str, random: Random, question: str, count: Count) -> dict[str, str]:
    """Make a hostile document, and an ordinary one of as many tokens."""
    hostile = ATTACKS[kind](random, question)
    return {"hostile": hostile, "ordinary": ordinary(random, count(hostile), count)}


def _beside(document: str, others: str, question: str) -> Prompt:
    """Put a document before one or several."""
    return Prompt.build([document, *others.split(BREAK)], question=question)


def _kept(runner: Runner, prompt: Prompt, rate: float, row: dict[str, Any]) -> str:
    """Give what is left of the first text; nothing where the prompt is refused."""
    try:
        compressed = runner.compress(prompt, rate)
    except BudgetError:
        row["refused"] += 1
        return ""
    return compressed.segment_texts()[0]


def _sum(row: dict[str, Any], key: str, value: float) -> None:
    row[key] = row.get(key, 0.0) + value
