"""How many rules of a compressed system prompt can still be read, beside documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Any

import numpy as np
from benchmarks.faithfulness.cells import Row, most, shares, table
from benchmarks.faithfulness.contenders import Runner
from benchmarks.faithfulness.crowding import RATES
from benchmarks.faithfulness.documents import answering, sentence
from benchmarks.faithfulness.system_prompts import ABOUT, SOURCES, Rule, marked
from numpy.typing import NDArray

from edgelingua import Prompt, Segment

ASKED = {"": "no question", "documents": "question to documents", "both": "its words in both"}
"""What is asked: nothing, what a document answers, or something with words of the prompt."""


def rules(kind: str, numbers: Iterable[int], runner: Runner) -> Iterator[dict[str, Any]]:
    """Compress a system prompt with three documents, of which one answers a question.

    A row for each question and rate: how many rules there are, can be read and are turned round,
    how often there was an answer to keep, and was kept, and the share of the prompt's characters.
    """
    text, found = marked(SOURCES[kind])
    system = Segment(text, "instruction", compress=True)
    rows: dict[tuple[str, float], dict[str, Any]] = {}
    for at in numbers:
        random = Random(f"{kind} {at}")
        document, question, answer = answering(random)
        documents = [document, *(" ".join(sentence(random) for _ in range(8)) for _ in range(2))]
        random.shuffle(documents)
        for asked, said in zip(ASKED, ("", question, ABOUT[kind]), strict=True):
            prompt = Prompt.build([system, *documents], question=said)
            for rate in RATES:
                row = rows.setdefault((asked, rate), dict.fromkeys(_SUMS, 0))
                done = runner.compress(prompt, rate)
                kept = _kept(done.spans, len(text))
                row["texts"] += 1
                row["rules"] += len(found)
                row["read"] += sum(all(_words(rule, kept)) for rule in found)
                row["turned"] += sum(_turned(rule, kept) for rule in found)
                row["characters"] += len(text)
                row["kept"] += int(kept.sum())
                row["sought"] += asked == "documents"
                row["found"] += asked == "documents" and answer in done.text
        runner.forget()
    for (asked, rate), row in rows.items():
        yield {"system": kind, "asked": asked, "rate": rate, **row}


_SUMS = ("texts", "rules", "read", "turned", "characters", "kept", "sought", "found")


def tables(rows: Sequence[Row]) -> str:
    """How many rules can be read, and what else stays."""
    head = ["system prompt", "n", *(f"rules: {label}" for label in ASKED.values())]
    head += [f"prompt: {label}" for label in ASKED.values()]
    head += ["answers", "turned round"]
    kinds = [kind for kind in SOURCES if any(row["system"] == kind for row in rows)]
    lines = []
    for label, group in [*((kind, [kind]) for kind in kinds), ("**all**", kinds)]:
        chosen = [row for row in rows if row["system"] in group]
        parts = [[row for row in chosen if row["asked"] == asked] for asked in ASKED]
        cells = [shares(part, "read", "rules") for part in parts]
        cells += [shares(part, "kept", "characters") for part in parts]
        cells += [shares(parts[1], "found", "sought"), shares(chosen, "turned", "rules")]
        lines.append([label, most(chosen), *cells])
    return table(head, lines)


def _kept(spans: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    kept = np.zeros(size, dtype=bool)
    for start, end in spans.tolist():
        kept[start:end] = True  # the system prompt comes first
    return kept


def _words(rule: Rule, kept: NDArray[np.bool_]) -> list[bool]:
    return [bool(kept[start:end].all()) for start, end in rule.words]


def _turned(rule: Rule, kept: NDArray[np.bool_]) -> bool:
    """Whether a rule lost what turns it round, and not the rest."""
    words = list(zip(_words(rule, kept), rule.turns, strict=True))
    return any(left for left, turns in words if not turns) and not all(
        left for left, turns in words if turns
    )
