"""Made-up records (logs, JSON, settings, tables, code), and a question about one of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edgelingua_export.train.labels import Example, Mark
from edgelingua_export.train.readers_qa import ANSWER, EVIDENCE

_NOUNS = (
    "queue", "cache", "worker", "session", "index", "order", "invoice", "sensor", "valve", "pump",
    "reactor", "account", "ticket", "device", "printer", "buffer", "router", "gateway", "shard",
    "replica", "backup", "certificate", "token", "template", "report", "parser", "scheduler",
    "billing", "shipment", "customer", "camera", "door", "lamp", "heater", "battery", "engine",
    "channel", "profile",
)  # fmt: skip
_TRAITS = (
    "limit", "size", "timeout", "port", "owner", "status", "version", "mode", "rate", "region",
    "colour", "level", "temperature", "count", "priority", "weight", "price", "threshold",
    "interval", "retries", "address", "deadline", "pressure", "voltage",
)  # fmt: skip
_VALUES = (
    "enabled", "disabled", "primary", "fallback", "north", "south", "amber", "green", "stale",
    "ready", "degraded",
)  # fmt: skip


@dataclass(frozen=True)
class _Fact:
    noun: str
    trait: str
    value: str


def records(count: int, seed: int) -> Iterator[Example]:
    """Yield ``count`` made-up documents, each with a question about one value in it."""
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        facts = _facts(rng, int(rng.integers(8, 20)))
        place = int(rng.integers(len(facts)))
        asked = facts[place]
        forms: Sequence[Callable[[_Fact, np.random.Generator], str]] = (_log, _setting, _code, _row)
        form = forms[int(rng.integers(len(forms)))]
        lines = [form(fact, rng) for fact in facts]
        if rng.random() < 0.25:
            lines = json.dumps({f"{f.noun}_{f.trait}": f.value for f in facts}, indent=1).split(
                "\n"
            )
            place += 1  # behind the bracket
        text, marks = "", list[Mark]()
        for number_of_line, line in enumerate(lines):
            if number_of_line == place:
                at = line.rfind(asked.value)
                marks.append(Mark(len(text), len(text) + len(line), EVIDENCE))
                marks.append(Mark(len(text) + at, len(text) + at + len(asked.value), ANSWER))
            text += line + "\n"
        patterns = ("What is the {t} of the {n}?", "{n} {t}", "Which {t} does the {n} have?",
                    "Tell me the {n}'s {t}.")  # fmt: skip
        pattern = patterns[int(rng.integers(len(patterns)))]
        question = pattern.format(t=asked.trait, n=asked.noun)
        yield Example(text, tuple(marks), question, f"records:{seed}:{number}", "records")


def _facts(rng: np.random.Generator, count: int) -> list[_Fact]:
    pairs = rng.choice(len(_NOUNS) * len(_TRAITS), count, replace=False)
    return [_Fact(_NOUNS[p % len(_NOUNS)], _TRAITS[p // len(_NOUNS)], _value(rng)) for p in pairs]


def _value(rng: np.random.Generator) -> str:
    kind = int(rng.integers(4))
    if kind == 0:
        return str(rng.integers(1, 10 ** int(rng.integers(1, 7))))
    if kind == 1:
        return "".join(rng.choice(list("0123456789abcdef"), int(rng.integers(6, 13))))
    if kind == 2:
        return f"{rng.integers(0, 300)}.{rng.integers(0, 100)}"
    return _VALUES[int(rng.integers(len(_VALUES)))]


def _log(fact: _Fact, rng: np.random.Generator) -> str:
    level = ("INFO", "WARN", "DEBUG", "ERROR")[int(rng.integers(4))]
    h, m, s = rng.integers(0, 24), rng.integers(0, 60), rng.integers(0, 60)
    return f"{h:02d}:{m:02d}:{s:02d} {level} [{fact.noun}] {fact.trait} set to {fact.value}"


def _setting(fact: _Fact, rng: np.random.Generator) -> str:
    return f"{fact.noun}.{fact.trait}{(' = ', ': ', '=')[int(rng.integers(3))]}{fact.value}"


def _code(fact: _Fact, rng: np.random.Generator) -> str:
    name = f"{fact.noun}_{fact.trait}"
    return f'{name.upper() if rng.random() < 0.5 else name} = "{fact.value}"'


def _row(fact: _Fact, rng: np.random.Generator) -> str:
    return f"| {fact.noun} | {fact.trait} | {fact.value} |"
